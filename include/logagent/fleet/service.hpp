#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "logagent/fleet/logconfig.hpp"
#include "logagent/fleet/selector.hpp"

namespace logagent::fleet {

/// Size of a service document. Its revision is written in the same transaction, so two of them and
/// some keys of hosts have to fit into etcd's 1.5 MiB.
inline constexpr std::size_t most_service_bytes = 512 << 10;

/// One entry of `files`: an entry of logconfig that may leave out `service`.
struct service_file {
    log_target target;          // `target.service` is what the records say
    boost::json::object extra;  // fields that this version does not know; rendered as they are

    bool operator==(const service_file&) const = default;
};

/// Files to collect, defined once for many hosts:
/// `{"name","description","owner","enabled","hosts":{"list","cidr","selector"},"files","labels",
/// "source"}`.
///
/// `files` holds entries of logconfig. One that has no `service` gets the name of the document; one
/// that has is for keys that were written by hand, where a name stands in records already that two
/// documents have to share, or that could not name a document.
struct service {
    std::string name;  // 1 to 64 of a-z A-Z 0-9 . _ -, a letter or digit first
    std::string description;
    std::string owner;
    bool enabled = true;  // false: no host collects its files
    host_selection hosts;
    std::vector<service_file> files;  // at most 200, as many as a host may have
    label_map labels;
    std::string source;         // who owns the document: "ui", a CMDB's name
    boost::json::object extra;  // fields that this version does not know; kept

    bool operator==(const service&) const = default;
};

struct parsed_service {
    service value;
    std::vector<entry_error> errors;  // any one refuses the document
};

/// Reads a document of a request, with everything that is wrong with it. An unknown field is an
/// error ("unknown_field"), unless `stored` holds the very same; the unknown fields of `stored` are
/// kept in any case, those of an entry with the entry of the same path and topic.
///
/// Other codes: those of base::json_error, of parse_logconfig() for entries, of check_selection(),
/// "name", "label", "limit", "range".
parsed_service read_service(const boost::json::value& document, const service* stored = nullptr);

/// The same from text, which is at most most_service_bytes.
parsed_service parse_service(std::string_view json, const service* stored = nullptr);

/// Reads a document from etcd: unknown fields are kept.
parsed_service parse_stored_service(std::string_view json);

/// All fields, in the order above; equal services have equal bytes.
boost::json::object to_json(const service& one);

/// An entry as it is rendered for agents: to_json() of its target, then what `extra` holds.
boost::json::object to_json(const service_file& file);

}  // namespace logagent::fleet
