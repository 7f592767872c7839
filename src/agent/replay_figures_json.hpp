#pragma once

#include <optional>
#include <string_view>

#include "json_writer.hpp"
#include "logagent/agent/replay_lines.hpp"
#include "logagent/base/json.hpp"

namespace logagent::agent {

/// Writes the members of an object that hold the figures; the caller opens and closes it.
void write_figures(json_writer& out, const replay_figures& figures);
/// Reads them back; empty where one is missing or no number.
std::optional<replay_figures> read_figures(const base::json_field& from);

/// {"generation","offset"}.
void write_point(json_writer& out, const tail::replay_point& point);
std::optional<tail::replay_point> read_point(const base::json_field& from);

}  // namespace logagent::agent
