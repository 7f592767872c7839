#pragma once

#include <boost/json/value.hpp>
#include <cstddef>
#include <string>

namespace logagent::cli {

/// What the agent's /status document says, for people: a header, then a table of files, those with
/// a problem first. `width` is that of the terminal, to which paths and errors are shortened; 0 =
/// nothing is shortened. `rows` is the most files shown, 0 = all. Fields that are missing or of
/// another type are left out.
std::string render_status(const boost::json::value& document, std::size_t width,
                          std::size_t rows = 0);

/// What the agent's /ledger document says: the sum of each class with its meaning, then what was
/// lost, cut or sent to a dead letter topic.
std::string render_ledger(const boost::json::value& document, std::size_t width);

}  // namespace logagent::cli
