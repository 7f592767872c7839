#include "logagent/fleet/host.hpp"

#include <algorithm>
#include <boost/json/array.hpp>

#include "fleet/document_reader.hpp"
#include "logagent/fleet/address.hpp"

namespace logagent::fleet {

namespace {

namespace json = boost::json;

constexpr std::size_t most_ips = 64;
constexpr std::size_t longest_name = 255;

std::vector<std::string> in_order(std::vector<ip_address> found) {
    std::sort(found.begin(), found.end());
    found.erase(std::unique(found.begin(), found.end()), found.end());
    std::vector<std::string> out;
    for (const auto& address : found)
        out.push_back(to_text(address));
    return out;
}

bool is_host_name(std::string_view name) {
    // Names come from agents: `~` stands in those of hosts that share a name.
    return !name.empty() && name.size() <= longest_name &&
           std::all_of(name.begin(), name.end(), [](char c) {
               return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                      c == '.' || c == '_' || c == '-' || c == '~';
           });
}

void read_addresses(document_reader& reader, host& out) {
    std::vector<std::string> texts;
    reader.texts("ips", texts, most_ips, 64);
    std::vector<ip_address> found;
    for (std::size_t i = 0; i < texts.size(); ++i) {
        if (const auto address = parse_address(texts[i])) {
            found.push_back(*address);
            continue;
        }
        std::string pointer = "/ips";
        base::append_pointer(pointer, i);
        reader.complain(base::json_error{pointer, "address", "is no IPv4 or IPv6 address", 0});
    }
    out.ips = in_order(std::move(found));
    reader.text("primary_ip", out.primary_ip, 64);
    if (out.primary_ip.empty()) {
        if (!out.ips.empty()) out.primary_ip = out.ips.front();
        return;
    }
    const auto primary = parse_address(out.primary_ip);
    if (!primary) return reader.complain("primary_ip", "address", "is no IPv4 or IPv6 address");
    out.primary_ip = to_text(*primary);
    if (std::find(out.ips.begin(), out.ips.end(), out.primary_ip) == out.ips.end())
        reader.complain("primary_ip", "address", "is none of 'ips'");
}

parsed_host read(const json::value& document, const unknown_fields& rule) {
    parsed_host out;
    const base::json_field field{document};
    const auto members = field.object();
    if (!members) {
        out.errors.push_back({"", members.error().code, members.error().text});
        return out;
    }
    document_reader reader{field, **members, out.errors};
    reader.text("host", out.value.name, longest_name);
    if (out.errors.empty() && !is_host_name(out.value.name))
        reader.complain("host", "name", "allowed: 1 to 255 of a-z A-Z 0-9 . _ - ~");
    read_addresses(reader, out.value);
    reader.labels("labels", out.value.labels);
    reader.text("source", out.value.source, 64);
    if (!out.value.source.empty())
        if (auto problem = name_problem(out.value.source); !problem.empty())
            reader.complain("source", "name", std::move(problem));
    out.value.extra = reader.unknown({"host", "ips", "primary_ip", "labels", "source"}, rule);
    return out;
}

/// The text of a member, or "" where it is none.
std::string text_of(const json::object& object, std::string_view name) {
    const auto* const member = object.if_contains(name);
    if (!member || !member->is_string()) return {};
    return std::string{member->get_string()};
}

void read_applied(const json::object& status, reported_host& out) {
    const auto* const config = status.if_contains("config");
    if (!config || !config->is_object()) return;
    out.config_state = text_of(config->get_object(), "state");
    const auto* const applied = config->get_object().if_contains("applied");
    if (!applied || !applied->is_object()) return;
    out.applied_hash = text_of(applied->get_object(), "hash");
    const auto* const revision = applied->get_object().if_contains("revision");
    if (revision && revision->is_int64()) out.applied_revision = revision->get_int64();
}

}  // namespace

parsed_host read_host(const json::value& document, const host* stored) {
    return read(document, {true, stored ? &stored->extra : nullptr});
}

parsed_host parse_stored_host(std::string_view text) {
    const auto document = base::parse_json(text);
    if (document) return read(*document, {});
    parsed_host out;
    out.errors.push_back({document.error().pointer, document.error().code, document.error().text});
    return out;
}

json::object to_json(const host& one) {
    json::object labels;
    for (const auto& [name, value] : one.labels)
        labels[name] = value;
    json::object out;
    out["host"] = one.name;
    out["ips"] = json::array(one.ips.begin(), one.ips.end());
    out["primary_ip"] = one.primary_ip;
    out["labels"] = std::move(labels);
    out["source"] = one.source;
    append_extra(out, one.extra);
    return out;
}

base::json_result<reported_host> parse_status(std::string_view text) {
    const auto document = base::parse_json(text);
    if (!document) return document.error();
    const base::json_field field{*document};
    const auto name = field.at("host");
    if (!name) return name.error();
    const auto name_text = name->text();
    if (!name_text) return name_text.error();
    if (!is_host_name(*name_text)) return name->complain("name", "is no name of a host");

    const auto& status = document->get_object();
    reported_host out;
    out.name = *name_text;
    out.instance = text_of(status, "instance");
    out.version = text_of(status, "version");
    out.state = text_of(status, "state");
    std::vector<ip_address> found;
    if (const auto* const ips = status.if_contains("ips"); ips && ips->is_array())
        for (const auto& ip : ips->get_array())
            if (ip.is_string())
                if (const auto address = parse_address(std::string{ip.get_string()}))
                    found.push_back(*address);
    out.ips = in_order(std::move(found));
    read_applied(status, out);
    return out;
}

host learn(std::optional<host> known, const reported_host& reported) {
    host out = known ? std::move(*known) : host{};
    if (out.name.empty()) {
        out.name = reported.name;
        out.source = "agent";
    }
    if (reported.ips.empty()) return out;
    out.ips = reported.ips;
    if (std::find(out.ips.begin(), out.ips.end(), out.primary_ip) == out.ips.end())
        out.primary_ip = out.ips.front();
    return out;
}

}  // namespace logagent::fleet
