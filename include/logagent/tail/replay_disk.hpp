#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "logagent/checkpoint/memory_store.hpp"
#include "logagent/os/disk.hpp"
#include "logagent/tail/replay_plan.hpp"

namespace logagent::tail {

/// A disk that holds nothing but one range of one generation, at the path it had when it was sent
/// first. A collector that runs on it reads that range and ends, with all that it does for live
/// files: order, retries, limits, dead letters.
class replay_disk final : public os::disk {
public:
    /// `bytes` is the generation's content and must outlive the disk. Reads end at `end`.
    replay_disk(std::string path, const os::file& bytes, std::uint64_t end);

    /// The file was truncated or cannot be read to `end`: why. Empty = all is well.
    const std::string& broken() const noexcept { return shared_->broken; }

    /// The file's identity as it stands in the store, so that the collector recognises it.
    checkpoint::file_identity identity() const;

    opened open(std::string_view path, bool trusted) override;
    int status(std::string_view path, os::file_status& out) override;
    int list(std::string_view directory, std::vector<entry>& out) override;
    bool allowed(std::string_view path, bool trusted) const override;

private:
    class view;
    struct shared_state {
        const os::file* bytes = nullptr;
        std::uint64_t end = 0;
        std::string head;  // the first bytes: looking at them must not unpack everything again
        std::string broken;
    };

    std::string path_;
    std::shared_ptr<shared_state> shared_;
    bool given_ = false;
};

/// The state of an agent that has sent everything of the generation before `begin` and nothing
/// behind it. `partition` -1: chosen as at a first send.
checkpoint::state replay_state(const replay_disk& disk, const checkpoint::generation_id& id,
                               const std::string& path, const std::string& topic,
                               checkpoint::range range, std::int32_t partition);

}  // namespace logagent::tail
