#pragma once

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "logagent/base/error.hpp"
#include "logagent/fleet/host.hpp"

namespace re2 {
class RE2;
}

namespace logagent::fleet {

/// Hosts by their labels: `env=prod,idc!=bj,host=~web-.*`.
///
/// Terms are joined by "and". `=` and `!=` compare text; `=~` and `!~` match an RE2 with the whole
/// value. `host` is the name, `ip` any one address of the host; a label that a host does not have
/// is the empty text. A value that holds a comma or quotes stands in double quotes, in which `""`
/// is one quote. Blanks around a term do not count.
class selector {
public:
    struct term {
        std::string label;
        std::string value;
        bool negated = false;
        std::shared_ptr<const re2::RE2> pattern;  // nullptr: `value` is compared

        /// Whether one value fits, `negated` left aside.
        bool fits(std::string_view text) const;
        bool matches(const host& one) const;
    };

    /// Selects nothing: there is no way to mean every host by leaving something out.
    selector() = default;

    /// Code "selector": what is wrong, and at which byte. Blank text = selector().
    static base::result<selector> parse(std::string_view text);

    bool empty() const { return terms_.empty(); }
    std::span<const term> terms() const { return terms_; }
    bool matches(const host& one) const;

private:
    std::vector<term> terms_;
};

/// The hosts of a service: the union of its three parts; all empty = none.
struct host_selection {
    std::vector<std::string> list;  // names, addresses, globs over names
    std::vector<std::string> cidr;  // any address of the host lies in one of them
    std::string selector;

    bool empty() const { return list.empty() && cidr.empty() && selector.empty(); }
    bool operator==(const host_selection&) const = default;
};

/// What is wrong with a selection; codes "glob", "cidr", "selector". Pointers begin with `pointer`.
std::vector<entry_error> check_selection(const host_selection& selection,
                                         const std::string& pointer = "");

/// Whether one host is selected. For many hosts host_index gives the same answer faster. What is
/// wrong in the selection selects nothing.
bool selects(const host_selection& selection, const host& one);

}  // namespace logagent::fleet
