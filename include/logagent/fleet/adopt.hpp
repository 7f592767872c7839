#pragma once

#include <set>
#include <span>
#include <string>
#include <vector>

#include "logagent/fleet/host_index.hpp"
#include "logagent/fleet/service.hpp"

namespace logagent::fleet {

/// A key that web did not write.
struct written_key {
    std::string address;  // in to_text() form
    std::string value;
};

/// What people should know before they take over keys.
///
/// Codes: "broken" (no array of entries; the key is left alone), "refused" (an entry that agents do
/// not use; it is left out), "conflict" (two keys of one host differ; the entry that its agent uses
/// is kept), "unknown_host" (no host has the address, so nothing is rendered for it yet), "renamed"
/// (the service's name cannot name a document, or several documents share it), "order" (of two
/// globs that can reach the same file the other one comes first when arrays are sorted).
struct adopt_note {
    std::string code;
    std::string text;
    std::string address;  // "" = of no single key
};

struct adoption {
    std::vector<service> services;  // enabled, by name
    std::vector<adopt_note> notes;
    std::set<std::string, std::less<>> addresses;  // for plan_options::take_over
};

/// Turns keys written by hand into services: equal entries over many hosts become one, and entries
/// that have their service and all their hosts in common one document. Rendered again, every host
/// collects what its agent collected before; a key that was sorted and canonical has the same
/// bytes.
///
/// `taken` holds the names of documents that exist; `source` becomes the owner of the new ones.
adoption adopt(std::span<const written_key> keys, const host_index& hosts,
               const std::set<std::string, std::less<>>& taken = {},
               const std::string& source = "ui");

}  // namespace logagent::fleet
