#include "logagent/fleet/service.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <map>
#include <utility>

#include "fleet/document_reader.hpp"
#include "fleet/target_fields.hpp"

namespace logagent::fleet {

namespace {

namespace json = boost::json;

constexpr std::size_t longest_description = 4096;
constexpr std::size_t longest_owner = 256;
constexpr std::size_t longest_selector = 4096;
constexpr std::size_t most_listed = 20'000;
constexpr std::size_t most_networks = 1000;

class service_reader {
public:
    service_reader(const json::value& document, bool refuse_unknown, const service* stored)
        : field_{document}, refuse_{refuse_unknown}, stored_{stored} {}

    parsed_service read() {
        const auto members = field_.object();
        if (!members) {
            out_.errors.push_back({"", members.error().code, members.error().text});
            return std::move(out_);
        }
        document_reader reader{field_, **members, out_.errors};
        auto& one = out_.value;
        reader.text("name", one.name, longest_owner);
        check_name(reader, "name", one.name);
        reader.text("description", one.description, longest_description, true);
        reader.text("owner", one.owner, longest_owner);
        reader.boolean("enabled", one.enabled);
        if (const auto hosts = reader.object("hosts")) read_hosts(*hosts);
        if (const auto files = reader.array("files")) read_files(reader, *files);
        reader.labels("labels", one.labels);
        reader.text("source", one.source, longest_owner);
        if (!one.source.empty()) check_name(reader, "source", one.source);
        one.extra = reader.unknown(
            {"name", "description", "owner", "enabled", "hosts", "files", "labels", "source"},
            {refuse_, stored_ ? &stored_->extra : nullptr});
        check_size();
        return std::move(out_);
    }

private:
    void check_name(document_reader& reader, std::string_view member, const std::string& name) {
        auto pointer = field_.pointer();
        base::append_pointer(pointer, member);
        const bool told = std::any_of(out_.errors.begin(), out_.errors.end(),
                                      [&](const auto& error) { return error.pointer == pointer; });
        if (told) return;
        if (auto problem = name_problem(name); !problem.empty())
            reader.complain(member, name.empty() ? "missing" : "name", std::move(problem));
    }

    void read_hosts(const base::json_field& field) {
        document_reader reader{field, field.value().as_object(), out_.errors};
        const auto before = out_.errors.size();
        auto& hosts = out_.value.hosts;
        reader.texts("list", hosts.list, most_listed, 255);
        reader.texts("cidr", hosts.cidr, most_networks, 64);
        reader.text("selector", hosts.selector, longest_selector);
        // What to select is nothing that one version may leave out: the hosts would be others.
        reader.unknown({"list", "cidr", "selector"}, {true, nullptr});
        if (out_.errors.size() != before) return;
        auto errors = check_selection(hosts, field.pointer());
        std::move(errors.begin(), errors.end(), std::back_inserter(out_.errors));
    }

    void read_files(document_reader& reader, const base::json_field& field) {
        const auto size = field.value().as_array().size();
        if (size > most_targets)
            return reader.complain(
                "files", "limit",
                "has " + std::to_string(size) +
                    " entries; allowed: at most 200, as many as a host may have");
        for (std::size_t i = 0; i < size; ++i)
            read_file(field.at(i));
    }

    void read_file(const base::json_field& field) {
        const auto members = field.object();
        if (!members) {
            out_.errors.push_back({field.pointer(), "type", members.error().text});
            return;
        }
        auto entry = fleet::read_entry(field, **members);
        service_file file;
        file.target = std::move(entry.target);
        if (!(*members)->contains("service")) file.target.service = out_.value.name;
        std::move(entry.errors.begin(), entry.errors.end(), std::back_inserter(out_.errors));
        const auto [first, is_new] =
            seen_.try_emplace({file.target.log_path, file.target.topic}, field.pointer());
        if (!is_new && entry.errors.empty())
            out_.errors.push_back(
                {field.pointer(), "duplicate", "the same log_path and topic as " + first->second});
        file.extra = unknown_of(file.target, field.pointer(), **members);
        out_.value.files.push_back(std::move(file));
    }

    json::object unknown_of(const log_target& target, const std::string& pointer,
                            const json::object& members) {
        json::object extra;
        for (const auto& member : members) {
            const std::string_view name{member.key().data(), member.key().size()};
            if (!base::find_row(target_fields(), name)) extra[name] = member.value();
        }
        const json::object* stored = nullptr;
        if (stored_)
            for (const auto& file : stored_->files)
                if (file.target.log_path == target.log_path && file.target.topic == target.topic)
                    stored = &file.extra;
        const auto before = out_.errors.size();
        auto kept = judge_unknown(std::move(extra), pointer, {refuse_, stored}, out_.errors);
        for (auto i = before; i < out_.errors.size(); ++i) {
            const auto name = out_.errors[i].pointer.substr(pointer.size() + 1);
            if (const auto meant = base::nearest_name(target_fields(), name); !meant.empty())
                out_.errors[i].text += ". Did you mean '" + std::string{meant} + "'?";
        }
        return kept;
    }

    void check_size() {
        if (!out_.errors.empty()) return;
        const auto size = json::serialize(to_json(out_.value)).size();
        if (size > most_service_bytes)
            out_.errors.push_back(
                {"", "limit",
                 "the document has " + std::to_string(size) + " bytes; allowed: at most 524288"});
    }

    base::json_field field_;
    bool refuse_;
    const service* stored_;
    std::map<std::pair<std::string, std::string>, std::string> seen_;
    parsed_service out_;
};

parsed_service refused(const base::json_error& error) {
    parsed_service out;
    out.errors.push_back({error.pointer, error.code, error.text});
    return out;
}

json::object hosts_json(const host_selection& hosts) {
    json::object out;
    out["list"] = json::array(hosts.list.begin(), hosts.list.end());
    out["cidr"] = json::array(hosts.cidr.begin(), hosts.cidr.end());
    out["selector"] = hosts.selector;
    return out;
}

}  // namespace

parsed_service read_service(const json::value& document, const service* stored) {
    return service_reader{document, true, stored}.read();
}

parsed_service parse_service(std::string_view text, const service* stored) {
    base::json_limits limits;
    limits.max_bytes = most_service_bytes;
    const auto document = base::parse_json(text, limits);
    if (!document) return refused(document.error());
    return read_service(*document, stored);
}

parsed_service parse_stored_service(std::string_view text) {
    const auto document = base::parse_json(text);
    if (!document) return refused(document.error());
    return service_reader{*document, false, nullptr}.read();
}

json::object to_json(const service& one) {
    json::array files;
    for (const auto& file : one.files) {
        auto entry = to_json(file);
        if (file.target.service == one.name) entry.stable_erase("service");
        files.push_back(std::move(entry));
    }
    json::object labels;
    for (const auto& [name, value] : one.labels)
        labels[name] = value;
    json::object out;
    out["name"] = one.name;
    out["description"] = one.description;
    out["owner"] = one.owner;
    out["enabled"] = one.enabled;
    out["hosts"] = hosts_json(one.hosts);
    out["files"] = std::move(files);
    out["labels"] = std::move(labels);
    out["source"] = one.source;
    append_extra(out, one.extra);
    return out;
}

json::object to_json(const service_file& file) {
    auto out = to_json(file.target);
    append_extra(out, file.extra);
    return out;
}

}  // namespace logagent::fleet
