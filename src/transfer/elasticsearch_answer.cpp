#include "transfer/elasticsearch_answer.hpp"

#include <algorithm>

#include "logagent/base/bytes.hpp"
#include "logagent/base/escape.hpp"
#include "logagent/base/json.hpp"

namespace logagent::transfer {

namespace {

namespace json = boost::json;

constexpr std::size_t most_bytes = 64 << 20;
constexpr std::size_t type_length = 200;
constexpr std::size_t reason_length = 500;
constexpr std::string_view all_fine = "{\"errors\":false,";
constexpr std::string_view fine_status = "\"status\":20";

std::size_t count_of(std::string_view text, std::string_view what) {
    std::size_t count = 0;
    for (auto at = text.find(what); at != std::string_view::npos;
         at = text.find(what, at + what.size()))
        ++count;
    return count;
}

std::string_view text_in(const json::object& from, std::string_view name) {
    const auto* value = from.if_contains(name);
    const auto* text = value ? value->if_string() : nullptr;
    return text ? std::string_view{*text} : std::string_view{};
}

void read_error(const json::object& from, bulk_failure& out) {
    const auto* error = from.if_contains("error");
    if (!error) return;
    if (const auto* object = error->if_object()) {
        out.type = base::visible(text_in(*object, "type"), type_length);
        out.reason = base::visible(text_in(*object, "reason"), reason_length);
    } else if (const auto* text = error->if_string()) {
        out.reason = base::visible(*text, reason_length);
    }
}

/// {"create":{"status":201}}
bool read_item(const json::value& item, bulk_failure& out) {
    const auto* outer = item.if_object();
    if (!outer || outer->size() != 1) return false;
    const auto* inner = outer->begin()->value().if_object();
    const auto* status = inner ? inner->if_contains("status") : nullptr;
    if (!status || !status->is_int64() || status->get_int64() < 100 || status->get_int64() > 599)
        return false;
    out.status = static_cast<unsigned>(status->get_int64());
    read_error(*inner, out);
    return true;
}

bool is_one_of(std::string_view type, std::initializer_list<std::string_view> types) {
    return std::find(types.begin(), types.end(), type) != types.end();
}

bool contains(std::string_view text, std::string_view part) {
    return text.find(part) != std::string_view::npos;
}

/// Refusals with the status of a bad document that are about the index or the cluster.
bool is_about_the_place(const bulk_failure& said) {
    return contains(said.reason, "shards open") || contains(said.reason, "no write index") ||
           contains(said.reason, "can't have more than one write index");
}

std::optional<std::uint64_t> number_behind(std::string_view text, std::string_view name) {
    const auto at = text.find(name);
    if (at == std::string_view::npos) return std::nullopt;
    text.remove_prefix(at + name.size());
    const auto digits = text.substr(0, text.find_first_not_of("0123456789"));
    const auto number = base::parse_unsigned(digits);
    if (!number) return std::nullopt;
    return *number;
}

}  // namespace

std::string text_of(const bulk_failure& said) {
    std::string text = std::to_string(said.status);
    if (!said.type.empty()) text += " " + said.type;
    if (!said.reason.empty()) text += ": " + said.reason;
    while (text.ends_with(';') || text.ends_with('.'))
        text.pop_back();
    return text;
}

std::optional<bulk_answer> read_bulk_answer(std::string_view body, std::size_t sent) {
    bulk_answer made;
    if (body.starts_with(all_fine) && body.ends_with("}}]}")) {
        if (count_of(body, fine_status) != sent || count_of(body, "\"status\":") != sent)
            return std::nullopt;
        made.all_stored = true;
        return made;
    }
    const auto parsed = base::parse_json(body, {.max_bytes = most_bytes});
    const auto* top = parsed ? parsed->if_object() : nullptr;
    const auto* member = top ? top->if_contains("items") : nullptr;
    const auto* items = member ? member->if_array() : nullptr;
    if (!items || items->size() != sent) return std::nullopt;
    made.items.resize(sent);
    for (std::size_t at = 0; at < sent; ++at)
        if (!read_item((*items)[at], made.items[at])) return std::nullopt;
    return made;
}

bulk_failure read_request_failure(unsigned status, std::string_view body) {
    bulk_failure made;
    made.status = status;
    const auto parsed = base::parse_json(body, {.max_bytes = most_bytes});
    if (parsed && parsed->is_object()) read_error(parsed->get_object(), made);
    if (made.type.empty() && made.reason.empty()) made.reason = base::visible(body, 200);
    return made;
}

item_verdict judge_item(const bulk_failure& said, bool closed_is_refused) {
    const std::string_view type = said.type;
    if (said.status < 300) return item_verdict::stored;
    if (type == "index_closed_exception")
        return closed_is_refused ? item_verdict::refused : item_verdict::blocked;
    // Read-only, write-blocked, out of disk (429 in newer servers), not allowed, not to be created.
    if (is_one_of(type, {"cluster_block_exception", "security_exception",
                         "index_not_found_exception", "index_create_block_exception"}))
        return item_verdict::blocked;
    if (said.status == 401 || said.status == 403) return item_verdict::blocked;
    if (said.status == 409)
        return type == "version_conflict_engine_exception" ? item_verdict::there_already
                                                           : item_verdict::unavailable;
    if (said.status == 429) return item_verdict::overloaded;
    if (said.status >= 500) return item_verdict::unavailable;
    if (is_about_the_place(said)) return item_verdict::blocked;
    return item_verdict::refused;
}

request_verdict judge_request(unsigned status, std::string_view type) {
    if (status >= 200 && status < 300) return request_verdict::read_items;
    if (status == 429) return request_verdict::overloaded;
    if (status == 413) return request_verdict::too_large;
    if (status == 401 || status == 403) return request_verdict::denied;
    if (status == 408 || status >= 500) return request_verdict::unavailable;
    if (status == 400)
        // A missing permission or index has this status in some answers of proxies in between.
        return type == "security_exception" ? request_verdict::denied : request_verdict::malformed;
    return request_verdict::misplaced;
}

bool never_fits(std::string_view reason) {
    const auto wanted = number_behind(reason, "coordinating_operation_bytes=");
    const auto most = number_behind(reason, "max_coordinating_and_primary_bytes=");
    return wanted && most && *wanted > *most;
}

std::chrono::seconds retry_after(std::string_view field) {
    const auto seconds = base::parse_unsigned(field);
    return std::chrono::seconds{seconds ? std::min<std::uint64_t>(*seconds, 60) : 0};
}

}  // namespace logagent::transfer
