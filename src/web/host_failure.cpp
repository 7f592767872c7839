#include "host_failure.hpp"

#include <algorithm>

#include "logagent/base/bytes.hpp"

namespace logagent::web {

namespace json = boost::json;

namespace {

/// Whether something about an entry concerns the service, or may do so.
class owner {
public:
    owner(std::string_view service, const fleet::rendered_host* rendered,
          const fleet::rendering& wanted)
        : service_{service}, rendered_{rendered}, wanted_{wanted} {}

    bool of_pointer(std::string_view pointer) const {
        if (!rendered_ || !pointer.starts_with('/')) return true;
        pointer.remove_prefix(1);
        const auto index = base::parse_unsigned(pointer.substr(0, pointer.find('/')));
        if (!index || *index >= rendered_->entries.size()) return true;
        return wanted_.entries[rendered_->entries[*index]].document == service_;
    }

    bool of_topic(std::string_view topic) const {
        if (!rendered_) return true;
        return std::ranges::any_of(rendered_->entries, [&](std::uint32_t index) {
            const auto& entry = wanted_.entries[index];
            return entry.document == service_ && entry.target.topic == topic;
        });
    }

private:
    std::string_view service_;
    const fleet::rendered_host* rendered_;
    const fleet::rendering& wanted_;
};

host_failure failed_document(const json::value* config) {
    const auto* failed = member(config, "failed");
    if (!failed || !failed->is_object()) return {};
    const auto* error = member(failed, "error");
    host_failure out{text_member(error, "code"), text_member(error, "pointer"),
                     text_member(error, "detail")};
    if (out.code.empty()) out.code = "failed";
    if (out.detail.empty()) out.detail = "the agent cannot use the document";
    return out;
}

host_failure refused_entry(const json::value* errors, const owner& whose) {
    if (!errors || !errors->is_array()) return {};
    for (const auto& error : errors->get_array()) {
        auto code = text_member(&error, "code");
        // A warning: agents of several versions read the same key.
        if (code.empty() || code == "unknown_field") continue;
        auto pointer = text_member(&error, "pointer");
        if (!whose.of_pointer(pointer)) continue;
        return {std::move(code), std::move(pointer), text_member(&error, "detail")};
    }
    return {};
}

host_failure unreadable_file(const json::value* files, const owner& whose) {
    if (!files || !files->is_array()) return {};
    for (const auto& file : files->get_array()) {
        auto state = text_member(&file, "state");
        if (state != "denied" && state != "error") continue;
        if (!whose.of_topic(text_member(&file, "topic"))) continue;
        const auto why = text_member(&file, "last_error");
        return {std::move(state), "", text_member(&file, "path") + (why.empty() ? "" : ": " + why)};
    }
    return {};
}

}  // namespace

const json::value* member(const json::value* of, std::string_view name) {
    return of && of->is_object() ? of->get_object().if_contains(name) : nullptr;
}

std::string text_member(const json::value* of, std::string_view name) {
    const auto* found = member(of, name);
    return found && found->is_string() ? std::string{found->get_string()} : std::string{};
}

std::string text_member(const json::object& of, std::string_view name) {
    const auto* found = of.if_contains(name);
    return found && found->is_string() ? std::string{found->get_string()} : std::string{};
}

host_failure failure_for(const host_record& record, std::string_view service,
                         const fleet::rendered_host* rendered, const fleet::rendering& wanted) {
    const auto& status = record.status;
    const owner whose{service, rendered, wanted};
    if (auto out = failed_document(status.if_contains("config"))) return out;
    if (auto out = refused_entry(status.if_contains("errors"), whose)) return out;
    return unreadable_file(status.if_contains("not_tailing"), whose);
}

std::string_view state_of(const host_record& record) {
    if (!record.online) return record.reported ? "offline" : "unknown";
    const auto* state = record.status.if_contains("state");
    return state && state->is_string() && state->get_string() == "degraded" ? "degraded"
                                                                            : "healthy";
}

}  // namespace logagent::web
