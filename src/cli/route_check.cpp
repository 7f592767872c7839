#include "cli/route_check.hpp"

#include <algorithm>

#include "logagent/base/json.hpp"
#include "logagent/transfer/route_check.hpp"

namespace logagent::cli {

namespace {

std::vector<web::route_complaint> judge(const std::string& name, std::string_view document,
                                        const std::vector<web::known_sink>& sinks) {
    std::vector<transfer::sink_outline> outlines;
    for (const auto& one : sinks) {
        const auto has = [&](std::string_view mode) {
            return std::ranges::find(one.modes, mode) != one.modes.end();
        };
        outlines.push_back({one.name, one.type, has("drpc"), has("kafka")});
    }
    std::vector<web::route_complaint> out;
    for (const auto& problem : transfer::route_problems(name, document, outlines)) {
        std::string pointer;
        if (!problem.key.empty()) base::append_pointer(pointer, problem.key);
        out.push_back({std::move(pointer), problem.text == "is missing" ? "missing" : "invalid",
                       problem.text});
    }
    return out;
}

}  // namespace

web::route_check route_check() {
    return judge;
}

}  // namespace logagent::cli
