#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "cli/ctl_call.hpp"
#include "cli/json_text.hpp"
#include "logagent/base/escape.hpp"

namespace logagent::cli {

namespace {

/// A column: its title, and where its value stands, "status.hosts".
struct field_column {
    std::string_view title;
    std::string_view path;
    bool right = false;
};

struct table_form {
    std::string_view name;
    std::vector<field_column> columns;
};

const std::vector<table_form>& forms() {
    static const std::vector<table_form> all{
        {"services",
         {{"NAME", "name"},
          {"REVISION", "revision", true},
          {"HOSTS", "status.hosts", true},
          {"APPLIED", "status.applied", true},
          {"FAILED", "status.failed", true},
          {"WAITING", "status.waiting", true},
          {"OFFLINE", "status.offline", true},
          {"OWNER", "owner"},
          {"CHANGED", "updated_at"}}},
        {"history",
         {{"REVISION", "revision", true},
          {"AT", "at"},
          {"BY", "by"},
          {"ACTION", "action"},
          {"MESSAGE", "message"}}},
        {"hosts",
         {{"HOST", "host"},
          {"ONLINE", "online"},
          {"ADDRESS", "primary_ip"},
          {"STATE", "status.state"},
          {"CONFIG", "status.config.state"},
          {"LABELS", "labels"}}},
        {"rollout",
         {{"ID", "id"},
          {"SERVICE", "service"},
          {"STATE", "state"},
          {"STAGE", "stage", true},
          {"HOSTS", "hosts", true},
          {"REACHED", "reached", true},
          {"APPLIED", "applied", true},
          {"FAILED", "failed", true},
          {"REASON", "reason.detail"}}},
        {"rollout hosts",
         {{"HOST", "host"}, {"STAGE", "stage", true}, {"STATE", "state"}, {"DETAIL", "detail"}}},
        {"replay",
         {{"ID", "id"},
          {"HOST", "host"},
          {"STATE", "state"},
          {"SENT", "progress.acked", true},
          {"TEXT", "text"}}},
        {"routes",
         {{"NAME", "name"},
          {"TOPICS", "topics"},
          {"SINK", "sink"},
          {"STATE", "state"},
          {"LAG", "lag", true},
          {"RECORDS/S", "rate", true},
          {"PROCESSES", "members", true},
          {"DEAD", "dead_letters", true},
          {"DETAIL", "detail"}}},
        {"processes",
         {{"HOST", "host"},
          {"INSTANCE", "instance"},
          {"VERSION", "version"},
          {"ROUTES", "routes"},
          {"PROBLEM", "problem"}}},
        {"tokens",
         {{"ID", "id"},
          {"NAME", "name"},
          {"ROLE", "role"},
          {"SERVICES", "services"},
          {"CREATED", "created_at"},
          {"EXPIRES", "expires_at"}}},
        {"drift", {{"HOST", "host"}, {"ADDRESS", "address"}, {"ACTION", "action"}}},
        {"import",
         {{"KIND", "kind"}, {"NAME", "name"}, {"RESULT", "result"}, {"DETAIL", "detail"}}},
        {"audit",
         {{"AT", "at"},
          {"WHO", "actor.name"},
          {"ACTION", "action"},
          {"TARGET", "target"},
          {"RESULT", "result"},
          {"MESSAGE", "message"}}},
    };
    return all;
}

std::string cell(const json::value& item, std::string_view path) {
    const json::value* at = &item;
    while (at && !path.empty()) {
        const auto dot = std::min(path.find('.'), path.size());
        at = member(at, path.substr(0, dot));
        path.remove_prefix(std::min(dot + 1, path.size()));
    }
    if (!at || at->is_null()) return "-";
    if (at->is_string()) return base::visible(std::string{at->get_string()}, 120);
    if (at->is_array() || at->is_object()) return base::visible(json::serialize(*at), 120);
    return json::serialize(*at);
}

}  // namespace

std::string ctl_table(std::string_view name, const json::value& answer) {
    for (const auto& form : forms()) {
        if (form.name != name) continue;
        std::vector<text_table::column> columns;
        for (const auto& one : form.columns)
            columns.push_back({one.title, one.right});
        text_table table{std::move(columns)};
        for (const auto& item : array_of(member(&answer, "items"))) {
            std::vector<std::string> cells;
            for (const auto& one : form.columns)
                cells.push_back(cell(item, one.path));
            table.add(std::move(cells));
        }
        return table.render();
    }
    return json::serialize(answer) + "\n";
}

std::vector<std::string> problem_lines(const json::value& problem, unsigned status) {
    std::vector<std::string> out;
    for (const auto& error : array_of(member(&problem, "errors"))) {
        const auto pointer = text_of(error, "pointer");
        out.push_back((pointer.empty() ? "" : pointer + ": ") + text_of(error, "detail"));
    }
    if (out.empty()) out.push_back(text_of(problem, "detail"));
    if (out.front().empty()) out.front() = "the server answered " + std::to_string(status);
    return out;
}

}  // namespace logagent::cli
