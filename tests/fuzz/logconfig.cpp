#include "logagent/fleet/logconfig.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "fuzz/fuzz.hpp"

namespace fleet = logagent::fleet;

/// The value of etcd_watch_key: what was accepted is written and read back as the same.
void fuzz_one(std::string_view text) {
    const auto parsed = fleet::parse_logconfig(text);
    for (const auto& error : parsed.errors)
        require(!error.text.empty());
    for (const auto& target : parsed.targets) {
        const auto written = boost::json::serialize(boost::json::array{fleet::to_json(target)});
        const auto again = fleet::parse_logconfig(written);
        require(again.targets.size() == 1);
        require(boost::json::serialize(fleet::to_json(again.targets[0])) ==
                boost::json::serialize(fleet::to_json(target)));
    }
}
