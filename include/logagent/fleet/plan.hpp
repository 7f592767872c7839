#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "logagent/fleet/entry_change.hpp"
#include "logagent/fleet/render.hpp"

namespace logagent::fleet {

/// What etcd holds for one address now. Besides the key itself, web remembers what it wrote there
/// last: without that, somebody's hand-written key could not be told from an old one of its own.
struct key_state {
    std::string address;               // in to_text() form
    std::optional<std::string> value;  // absent = there is no such key
    std::int64_t mod_revision = 0;     // 0 = there is no such key
    std::string rendered;  // content_hash() of what web wrote last; "" = web never wrote it
};

/// What people agreed to beforehand.
struct plan_options {
    std::set<std::string, std::less<>> take_over;  // addresses whose hand-written key may be lost
    bool repair_drift = false;   // also write keys that only somebody else has changed
    bool empty_orphans = false;  // also empty web's keys of addresses that no host has any more
};

/// Why a key stays as it is though something else was rendered for it.
enum class hold_reason : std::uint8_t {
    none,
    blocked,       // an error of the rendering concerns the host
    hand_written,  // adopt it, or put the address into plan_options::take_over
    drift,         // changed by somebody else; nothing new to write
    orphan,        // no host has the address
};

/// One key that would change.
struct planned_key {
    std::string host;  // "" = no host has the address
    std::string address;
    std::int64_t mod_revision = 0;  // it must still be this when the key is written; 0 = absent
    hold_reason held = hold_reason::none;
    bool drift = false;                     // the key is not what web wrote last
    bool hand_written = false;              // the key was never written by web
    bool broken = false;                    // agents cannot read it: what it collects is not known
    std::optional<std::uint32_t> rendered;  // index into rendering::hosts; absent = becomes `[]`
    std::size_t size = 0;                   // bytes of the new value
    std::vector<std::uint32_t> changes;     // indexes into plan::changes; none = only its form
    std::vector<std::string> lost;  // what the old value holds besides, and why no agent uses it
};

/// A change, and how many of the keys that will be written have it.
struct counted_change {
    entry_change change;
    std::size_t keys = 0;
};

/// What would happen to every key. Changes are shared: a fleet mostly changes alike.
struct plan {
    std::vector<planned_key> writes;  // by host, then address
    std::vector<planned_key> held;    // by host, then address
    std::size_t unchanged = 0;        // hosts
    std::vector<counted_change> changes;
    std::vector<std::string> hand_written;  // addresses of all keys that could be adopted
    std::vector<render_problem> errors;     // of the rendering
    std::vector<render_problem> warnings;
    std::vector<topic_rate> topics;
};

/// Compares what the keys hold with what was rendered. `keys` may be in any order; an address that
/// is not among them has no key. `hosts` is what was rendered from.
///
/// Never among the writes, unless the options say so: a hand-written key whose entries would change
/// (one with the same entries is taken over), and a key that no known host has. An address of a
/// host that is not its primary one any more is emptied together with the host's other key.
plan make_plan(const rendering& wanted, const host_index& hosts, std::span<const key_state> keys,
               const plan_options& options = {});

/// The same in slices, for a loop that must not stall: advance() until it returns false, then
/// finish(). Some hundred keys take some milliseconds. Borrows all but the options.
class planning {
public:
    planning(const rendering& wanted, const host_index& hosts, std::span<const key_state> keys,
             plan_options options = {});
    ~planning();
    planning(const planning&) = delete;
    planning& operator=(const planning&) = delete;

    /// Looks at up to `keys` more keys. False: all were looked at.
    bool advance(std::size_t keys);

    /// The plan; does what is left to do. Called once.
    plan finish();

private:
    struct state;
    std::unique_ptr<state> state_;
};

/// The new value of a key.
std::string value_of(const planned_key& key, const rendering& wanted);

std::string_view name_of(hold_reason reason);

/// `{"host","address","mod_revision","action","drift","hand_written","broken","lost","diff":
/// [entry_change...]}`; `action` is "write" or "held:<reason>".
boost::json::object to_json(const planned_key& key, const plan& from);

/// Counts, errors, warnings, rates, and every change with the number of keys that have it; no
/// single keys, since there may be thousands.
boost::json::object summary_json(const plan& from);

}  // namespace logagent::fleet
