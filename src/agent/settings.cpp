#include "logagent/agent/settings.hpp"

#include <algorithm>
#include <utility>

#include "agent/setting_table.hpp"

namespace logagent::agent {

namespace {

using base::result;
using base::schema_row;
using base::value_kind;

constexpr std::string_view kafka_prefix = "kafka.";

const setting* find_setting(std::string_view key) {
    for (const auto& one : setting_table())
        if (one.row.name == key && one.set) return &one;
    return nullptr;
}

class loader {
public:
    loader() {
        // Lists have their defaults in the table only.
        for (const auto& [row, set] : setting_table())
            if (set && row.kind == value_kind::list && !row.default_text.empty())
                set(out_.settings, base::parse_value(row, row.default_text).value()).value();
    }

    void read(std::string_view text, const std::string& file,
              std::span<const std::string> overrides) {
        for (const auto& one : base::read_settings(text, file, "agent.ini", overrides))
            assign(one);
    }

    loaded_settings take() && {
        check_together();
        return std::move(out_);
    }

private:
    void complain(std::string where, std::string key, std::string text) {
        out_.problems.push_back({std::move(where), std::move(key), std::move(text)});
    }

    void assign(const base::written_setting& given) {
        const auto& key = given.key;
        if (!given.problem.empty()) {
            out_.problems.push_back({given.where, "", given.problem});
            return;
        }
        if (key.starts_with(kafka_prefix)) {
            out_.settings.kafka[key.substr(kafka_prefix.size())] = {given.value, given.where};
            out_.settings.given.insert(key);
            return;
        }
        const auto* known = find_setting(key);
        if (!known) {
            out_.problems.push_back(base::unknown_setting(given, setting_rows()));
            return;
        }
        auto parsed = base::parse_value(known->row, given.value);
        const auto stored =
            parsed ? known->set(out_.settings, *std::move(parsed)) : result<void>{parsed.error()};
        if (!stored) {
            out_.problems.push_back(base::bad_setting(given, stored.error().text));
            return;
        }
        out_.settings.given.insert(key);
        if (key == "thread_num") note("thread_num has no effect: the agent has one thread");
    }

    void note(std::string text) {
        if (std::find(out_.notes.begin(), out_.notes.end(), text) == out_.notes.end())
            out_.notes.push_back(std::move(text));
    }

    /// Keys that need each other.
    void check_together() {
        auto& loaded = out_.settings;
        const auto both = [&](std::string_view one, std::string_view other) {
            if (loaded.has(one) && !loaded.has(other))
                complain("", std::string{one}, "needs " + std::string{other} + " too");
        };
        both("etcd_user", "etcd_password_file");
        both("etcd_password_file", "etcd_user");
        both("etcd_cert", "etcd_key");
        both("etcd_key", "etcd_cert");
        const auto& roots = loaded.allow_paths;
        if (std::find(roots.begin(), roots.end(), "/") != roots.end())
            note("allow_paths = /: whoever can write to etcd can have every readable file sent");
    }

    loaded_settings out_;
};

}  // namespace

std::string settings::etcd_prefix() const {
    return etcd_watch_key.substr(0, etcd_watch_key.find("%s"));
}

std::string settings::watch_key(std::string_view ip) const {
    auto key = etcd_watch_key;
    return key.replace(key.find("%s"), 2, ip);
}

loaded_settings load_settings(std::string_view text, const std::string& file,
                              std::span<const std::string> overrides) {
    loader reader;
    reader.read(text, file, overrides);
    return std::move(reader).take();
}

std::vector<settings_problem> missing_settings(const settings& loaded, const std::string& file,
                                               bool needs_etcd, bool needs_kafka) {
    std::vector<settings_problem> out;
    if (needs_etcd && loaded.etcd_addr.empty())
        out.push_back({file, "etcd_addr", "is missing; allowed: host:port, several with commas"});
    if (needs_kafka && loaded.kafka_addr.empty())
        out.push_back({file, "kafka_addr", "is missing; allowed: host:port, several with commas"});
    return out;
}

std::span<const schema_row> setting_rows() {
    static const auto rows = [] {
        std::vector<schema_row> out;
        for (const auto& one : setting_table())
            out.push_back(one.row);
        return out;
    }();
    return rows;
}

}  // namespace logagent::agent
