#pragma once

#include <string>
#include <vector>

#include "cli/flags.hpp"
#include "logagent/transfer/transfer.hpp"

namespace logagent::cli {

inline constexpr const char* default_transfer_file = "/etc/logagent/transfer.ini";

std::span<const flag> transfer_flags();

/// transfer.ini, or what --topic says, with everything that can be checked without a network.
/// Throws usage_error where nothing could run.
transfer::transfer_options read_transfer_options(const arguments& given);

/// The same checks for `check`: all problems, fatal or not.
struct checked_transfer {
    transfer::loaded_settings loaded;
    kafka::settings kafka;
};
checked_transfer check_transfer(const std::string& text, const std::string& file,
                                std::span<const std::string> overrides);

/// Whether the text is that of a transfer.ini: it has sinks or routes.
bool is_transfer_file(std::string_view text);

/// The overrides that stand for --topic, --sink-url and --stdout. Throws usage_error.
std::vector<std::string> one_route(const std::string& topic, const std::string& sink_url);

}  // namespace logagent::cli
