#pragma once

#include <cstdint>

namespace logagent::os {

/// Raises the soft limit of open files to the hard one, since each tailed file holds one
/// descriptor. Returns the limit that holds afterwards.
std::uint64_t raise_descriptor_limit();

/// Whether files that can wait may keep this descriptor: the last third of the limit, at most 64,
/// is for connections (brokers, etcd, whoever asks for the status) and for the state on disk. The
/// kernel hands out the lowest free number, so a high one means that few are left.
bool leaves_spare_descriptors(int descriptor);

}  // namespace logagent::os
