#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "logagent/fleet/cohort.hpp"
#include "logagent/fleet/host_index.hpp"
#include "logagent/fleet/service.hpp"

namespace logagent::fleet {

/// A service on its way to another revision: the hosts of `reached` have `next`.
struct rollout_step {
    service next;
    cohort reached;
};

/// A service as hosts have it now. For a new one `current` is disabled.
struct service_state {
    service current;
    std::optional<rollout_step> rollout;
};

/// Something that people have to settle first, once for all hosts it concerns.
///
/// Codes of errors; their hosts are blocked, everybody else is rendered as usual: "conflict" (two
/// services have the same path and topic), "address" (two live hosts have the same address, which
/// is the primary one of one of them), "limit" (more than 200 entries), "no_address". Codes of
/// errors that block nobody: "glob", "cidr", "selector" (a selection with a mistake selects
/// nothing). Code of a warning: "superseded" (a host that is not live has lost its address).
struct render_problem {
    std::string code;
    std::string text;
    std::vector<std::string> services;  // by name
    std::vector<std::string> hosts;     // by name
};

/// What all entries of one topic may send together. `send_rate` is a limit of each file, so an
/// entry with a glob may send more: a sum for it counts one file.
struct topic_rate {
    std::string topic;
    std::uint64_t entries = 0;          // over all hosts
    std::uint64_t lines_per_s = 0;      // of those with a limit
    std::uint64_t bytes_per_s = 0;      // of those with a limit
    std::uint64_t unlimited_lines = 0;  // entries without a limit of lines
    std::uint64_t unlimited_bytes = 0;  // entries without a limit of bytes
    std::uint64_t globs = 0;            // entries that may be more than one file

    bool operator==(const topic_rate&) const = default;
};

/// An entry as hosts get it; equal ones of one service are one.
struct rendered_entry {
    std::string document;  // name of the service document
    log_target target;
    std::string text;            // its JSON
    std::string canonical;       // the part that this version knows, if that differs from `text`
    std::uint32_t identity = 0;  // equal for equal path and topic
};

struct rendered_host {
    std::uint32_t position = 0;  // in host_index::hosts()
    std::string name;
    std::string address;                 // whose key is written; "" = none
    std::vector<std::uint32_t> entries;  // indexes, by path and topic
    bool blocked = false;                // an error concerns it: its key must stay as it is
};

/// What every host should collect. Entries are shared between hosts, and the bytes of a key are
/// made when they are asked for: a fleet's arrays together may be larger than memory.
struct rendering {
    std::vector<rendered_entry> entries;
    std::vector<rendered_host> hosts;  // in the order of their names; superseded ones are left out
    std::vector<render_problem> errors;
    std::vector<render_problem> warnings;
    std::vector<topic_rate> topics;  // by name; blocked hosts do not count

    /// The value of the host's key: a JSON array sorted by path, then topic; `[]` if there is
    /// nothing to collect. Equal content has equal bytes.
    std::string value_of(const rendered_host& one) const;
    std::size_t size_of(const rendered_host& one) const;  // bytes of that

    /// The hash that an agent reports when it has applied that value and no other.
    std::string applied_hash(const rendered_host& one) const;

    const rendered_host* find(std::string_view name) const;
};

/// Turns services and hosts into the agents' contract.
rendering render(std::span<const service_state> services, host_index& hosts);

/// The same in slices, for a loop that must not stall: advance() until it returns false, then
/// finish(). Borrows both.
class rendering_slices {
public:
    rendering_slices(std::span<const service_state> services, host_index& hosts);
    ~rendering_slices();
    rendering_slices(const rendering_slices&) = delete;
    rendering_slices& operator=(const rendering_slices&) = delete;

    /// Does about `work` more; an entry of a host is 1, about 50 ns. False: nothing is left.
    bool advance(std::size_t work);

    /// The rendering; does what is left to do. Called once.
    rendering finish();

private:
    class worker;
    std::unique_ptr<worker> worker_;
};

/// The key of one address, `/logagent/10.0.0.1/logconfig`; `prefix` ends with a slash.
std::string logconfig_key(std::string_view prefix, std::string_view address);

}  // namespace logagent::fleet
