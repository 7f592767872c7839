#include "tail_query.hpp"

#include <re2/re2.h>

#include <algorithm>

#include "logagent/base/glob.hpp"
#include "logagent/fleet/pattern.hpp"
#include "problem.hpp"

namespace logagent::web {

namespace {

constexpr std::size_t longest_text = 1000;

refused wrong(std::string name, std::string detail) {
    problem why;
    why.status = 422;
    why.code = "invalid";
    why.detail = name + ": " + detail;
    why.errors.push_back({"/" + std::move(name), "query", std::move(detail)});
    return refused{std::move(why)};
}

std::string read_text(const http::request& asked, const std::string& name) {
    auto text = asked.query(name).value_or("");
    if (text.size() > longest_text)
        throw wrong(name, "longer than " + std::to_string(longest_text) + " bytes");
    return text;
}

/// Whether an entry of this path can have brought a line of what is asked for.
bool may_match(const std::string& log_path, const std::string& asked) {
    if (asked.empty()) return true;
    if (base::is_glob(asked) && base::is_glob(log_path)) return true;
    if (base::is_glob(asked)) return base::glob_matches(asked, log_path);
    return base::glob_matches(log_path, asked);
}

class scope_finder {
public:
    scope_finder(const tail_query& query, const principal& who,
                 const std::map<std::string, host_record>& hosts)
        : query_{query}, who_{who}, hosts_{hosts} {}

    void take_definition(const fleet::service& one) {
        const bool named = one.name == query_.service;
        for (const auto& file : one.files) {
            const auto& target = file.target;
            if (!query_.service.empty() && !named && target.service != query_.service) continue;
            if (!who_.covers(target.service) || !may_match(target.log_path, query_.path)) continue;
            if (!query_.service.empty()) out.services.insert(target.service);
            if (one.enabled) expect(one.hosts, target.service, target.topic);
        }
    }

    /// What agents write, whoever told them to.
    void take_reports() {
        if (query_.service.empty() && query_.host.empty()) return;
        if (!query_.service.empty()) out.services.insert(query_.service);
        for (const auto& [name, record] : hosts_) {
            if (!asked_for(name) || !record.online) continue;
            for (const auto& topic : record.topics)
                if (who_.covers(topic.service) &&
                    (query_.service.empty() || out.services.contains(topic.service)))
                    add(topic);
        }
    }

    tail_scope out;

private:
    bool asked_for(const std::string& host) const {
        return query_.host.empty() || query_.host == host;
    }

    void add(const written_topic& from) {
        auto& known = out.topics.try_emplace(from.topic, std::set<std::int32_t>{}).first->second;
        if (!from.partitions)
            known.reset();
        else if (known)
            known->insert(from.partitions->begin(), from.partitions->end());
    }

    /// Hosts that are to write to the topic: all of it where one of them has not said to where.
    void expect(const fleet::host_selection& selection, const std::string& service,
                const std::string& topic) {
        bool somebody = false;
        written_topic all{service, topic, std::nullopt};
        for (const auto& [name, record] : hosts_) {
            if (!asked_for(name) || !record.online) continue;
            const auto host = host_registry::host_of(record);
            if (!host || !fleet::selects(selection, *host)) continue;
            somebody = true;
            const written_topic* said = nullptr;
            for (const auto& one : record.topics)
                if (one.service == service && one.topic == topic) said = &one;
            add(said ? *said : all);
        }
        if (!somebody && query_.host.empty()) add(all);
    }

    const tail_query& query_;
    const principal& who_;
    const std::map<std::string, host_record>& hosts_;
};

}  // namespace

tail_query read_tail_query(const http::request& asked) {
    tail_query out;
    out.service = read_text(asked, "service");
    out.host = read_text(asked, "host");
    out.path = read_text(asked, "path");
    out.text = read_text(asked, "q");
    if (out.service.empty() && out.host.empty() && out.path.empty())
        throw wrong("service", "one of service, host and path is needed");
    if (!out.path.empty())
        if (const auto bad = base::glob_problem(out.path)) throw wrong("path", *bad);
    const auto pattern = read_text(asked, "re");
    if (!pattern.empty()) {
        auto compiled = fleet::compile_pattern(pattern);
        if (!compiled) throw wrong("re", compiled.error().text);
        out.pattern = *std::move(compiled);
    }
    return out;
}

tail_scope find_scope(const tail_query& query, const principal& who, const service_map& services,
                      const std::map<std::string, host_record>& hosts) {
    scope_finder finder{query, who, hosts};
    for (const auto& [name, one] : services)
        finder.take_definition(one);
    finder.take_reports();
    return std::move(finder.out);
}

bool fits(const tail_query& query, const tail_scope& scope, const principal& who,
          const fleet::record_origin& from, std::string_view line) {
    if (!query.host.empty() && query.host != from.host) return false;
    if (!query.service.empty() && !scope.services.contains(from.service)) return false;
    if (!who.covers(from.service)) return false;
    if (!query.path.empty() && query.path != from.path &&
        !base::glob_matches(query.path, from.path))
        return false;
    if (!query.text.empty() && line.find(query.text) == line.npos) return false;
    return !query.pattern || RE2::PartialMatch({line.data(), line.size()}, *query.pattern);
}

}  // namespace logagent::web
