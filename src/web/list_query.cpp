#include "list_query.hpp"

#include <algorithm>

#include "logagent/base/bytes.hpp"
#include "problem.hpp"

namespace logagent::web {

namespace {

std::string lower(std::string_view text) {
    std::string out{text};
    for (auto& c : out)
        if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
    return out;
}

std::string one_of(const http::request& asked, std::string_view name,
                   std::span<const std::string_view> allowed) {
    const auto given = asked.query(name);
    if (!given || given->empty()) return {};
    if (std::ranges::find(allowed, *given) != allowed.end()) return std::string{*given};
    std::string text{name};
    text += allowed.empty() ? " is not known here" : " is none of ";
    for (const auto each : allowed)
        text += (each == allowed.front() ? "" : ", ") + std::string{each};
    throw refused{400, "query", text};
}

}  // namespace

list_query read_query(const http::request& asked, std::span<const std::string_view> states,
                      std::span<const std::string_view> orders) {
    list_query out;
    if (const auto text = asked.query("q")) out.text = lower(*text);
    out.state = one_of(asked, "state", states);
    out.sort = one_of(asked, "sort", orders);
    const auto selector = asked.query("selector");
    if (!selector || selector->empty()) return out;
    auto parsed = fleet::selector::parse(*selector);
    if (!parsed) {
        problem why;
        why.status = 422;
        why.code = "selector";
        why.detail = "selector: " + parsed.error().text;
        throw refused{std::move(why)};
    }
    out.selected = *std::move(parsed);
    out.with_selector = true;
    return out;
}

bool has_words(std::string_view query, std::span<const std::string> texts) {
    std::vector<std::string> lowered;
    for (const auto& text : texts)
        lowered.push_back(lower(text));
    while (!query.empty()) {
        const auto end = std::min(query.find(' '), query.size());
        const auto word = query.substr(0, end);
        query.remove_prefix(std::min(end + 1, query.size()));
        const bool found = word.empty() || std::ranges::any_of(lowered, [&](const auto& text) {
                               return text.find(word) != text.npos;
                           });
        if (!found) return false;
    }
    return true;
}

list_part part_of(const page_request& page, std::size_t size) {
    list_part out;
    const auto begin = base::parse_unsigned(page.after);
    out.first = begin ? std::min<std::size_t>(*begin, size) : 0;
    out.last = std::min(out.first + page.limit, size);
    if (out.last < size)
        out.next_page_token =
            page_token(page.revision ? page.revision : 1, std::to_string(out.last));
    return out;
}

}  // namespace logagent::web
