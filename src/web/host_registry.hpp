#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "logagent/fleet/host.hpp"

namespace logagent::web {

/// Where an agent writes the lines of a service to.
struct written_topic {
    std::string service;
    std::string topic;
    std::optional<std::vector<std::int32_t>> partitions;  // nothing = any of them
};

/// What a host has told about itself, and whether it is still there.
struct host_record {
    boost::json::object status;                    // the last one; empty if it could not be read
    std::optional<fleet::reported_host> reported;  // the same, read
    std::vector<written_topic> topics;             // what did not fit into the status is not there
    std::optional<fleet::host> known;              // its document
    std::int64_t known_revision = 0;               // mod_revision of that; 0 = there is none
    bool online = false;                           // its lease lives
    std::int64_t since_ms = 0;  // wall clock: when `online` has changed, as seen from here
};

/// Every host that has a status or a document in etcd, or had a status since this process began.
class host_registry {
public:
    void put(std::string_view host, std::string_view status, std::int64_t now_ms);
    /// The lease is gone: the host is offline, its last status stays.
    void remove(std::string_view host, std::int64_t now_ms);
    /// Drops a host that is offline and has no document.
    void forget(std::string_view host);
    void put_document(std::string_view host, std::string_view document, std::int64_t mod_revision);
    void remove_document(std::string_view host);
    /// Begins a new snapshot: whoever is not put after it and before end_snapshot() is offline
    /// then, and a document that is not put is gone. Until the end what was known before stays.
    void begin_snapshot();
    void end_snapshot(std::int64_t now_ms);

    /// Called when a host's addresses or document may have changed; may be empty.
    std::function<void()> changed;

    /// As services select them: the document, and what the agent reported after it.
    static std::optional<fleet::host> host_of(const host_record& one);
    std::vector<fleet::host> inventory() const;

    /// Grows whenever inventory() may have changed.
    std::uint64_t version() const noexcept { return version_; }

    const std::map<std::string, host_record>& all() const noexcept { return hosts_; }

private:
    void tell() {
        ++version_;
        if (changed) changed();
    }

    std::map<std::string, host_record> hosts_;
    std::uint64_t version_ = 0;
    std::map<std::string, bool> seen_;  // during a snapshot
    std::set<std::string> documented_;  // likewise
};

}  // namespace logagent::web
