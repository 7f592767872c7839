#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace logagent::os {

/// Which paths of this host may be read, as the local file says; nothing remote can widen it.
///
/// A rule is a path or a glob (base/glob.hpp) and covers what it names and everything below. Deny
/// wins. Paths are judged by their text alone ("." and ".." and double slashes taken away);
/// following links, and asking again for each hop, is the caller's business (posix_disk).
class path_policy {
public:
    struct rules {
        std::vector<std::string> allow;
        std::vector<std::string> deny;
    };

    explicit path_policy(rules given);

    struct verdict {
        bool allowed = false;
        std::string reason;  // why not: "is inside deny_paths /etc"
    };

    /// Whether this very path may be opened. `trusted` paths need no allow rule.
    verdict check(std::string_view path, bool trusted) const;

    /// Whether something at or below this path may be opened, so that looking there makes sense.
    bool allows_below(std::string_view path, bool trusted) const;

    /// The path without ".", "..", double and trailing slashes, by its text alone; "/" at least.
    static std::string normalise(std::string_view path);

private:
    rules rules_;
};

}  // namespace logagent::os
