#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <string>
#include <string_view>

#include "host_registry.hpp"
#include "logagent/fleet/render.hpp"

// What web concludes from what an agent wrote about itself. Pure.

namespace logagent::web {

/// Something that an agent cannot do.
struct host_failure {
    std::string code;     // of the agent; "" = nothing is wrong
    std::string pointer;  // into the array of the key, where it is known
    std::string detail;

    explicit operator bool() const { return !code.empty(); }
    std::string text() const { return (pointer.empty() ? std::string{} : pointer + ": ") + detail; }
};

/// The first failure that concerns a service: a document that is not applied, an entry that is
/// refused, or a file that may not or cannot be read. `rendered`: what the host should have (null:
/// not known), which tells whose an entry is.
host_failure failure_for(const host_record& record, std::string_view service,
                         const fleet::rendered_host* rendered, const fleet::rendering& wanted);

/// What a host is: "healthy", "degraded", "offline", "unknown" (no status is known).
std::string_view state_of(const host_record& record);

/// A member of an object that may be no object; null if it is not there.
const boost::json::value* member(const boost::json::value* of, std::string_view name);
std::string text_member(const boost::json::value* of, std::string_view name);
std::string text_member(const boost::json::object& of, std::string_view name);

}  // namespace logagent::web
