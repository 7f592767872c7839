#pragma once

#include <string>

#include "agent/json_writer.hpp"
#include "agent/status_values.hpp"

namespace logagent::agent {

/// One element of "files".
void write_file(json_writer& out, const tail::file_view& file);

/// "host" to "started" and "state", as members of the object that is open.
void write_identity(json_writer& out, const status_values& values);
void write_problem(json_writer& out, const problem& what);
/// One element of "config"."errors".
void write_error(json_writer& out, const config_report::error& error);
/// "source", "state", "applied", "failed" of "config", as members of the object that is open.
void write_config_result(json_writer& out, const config_report& config);

/// The object of /status up to the open bracket of "files".
void write_head(json_writer& out, const status_values& values);

/// The object of /ledger: the sums, and what of it was lost or cut, oldest first.
void write_ledger_page(json_writer& out, const status_values& values,
                       const std::map<std::uint64_t, checkpoint::loss_record>& losses);

/// The value of _status/<host>: at most 16 KiB. What does not fit is left out, and "omitted" counts
/// it.
std::string write_summary(const status_values& values, const file_visitor& files);

}  // namespace logagent::agent
