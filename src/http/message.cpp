#include "logagent/http/message.hpp"

#include <algorithm>

#include "http/text.hpp"

namespace logagent::http {

std::string_view find(const std::vector<field>& fields, std::string_view name) {
    const auto found = std::ranges::find_if(
        fields, [&](const field& one) { return same_letters(one.name, name); });
    return found == fields.end() ? std::string_view{} : std::string_view{found->value};
}

std::string_view request::path() const {
    const std::string_view whole = target;
    return whole.substr(0, whole.find('?'));
}

std::optional<std::string> request::query(std::string_view name) const {
    const auto mark = target.find('?');
    if (mark == std::string::npos) return std::nullopt;
    std::string_view rest = std::string_view{target}.substr(mark + 1);
    while (!rest.empty()) {
        const auto pair = rest.substr(0, rest.find('&'));
        rest.remove_prefix(std::min(pair.size() + 1, rest.size()));
        const auto equals = pair.find('=');
        if (percent_decoded(pair.substr(0, equals), true) != name) continue;
        if (equals == std::string_view::npos) return std::string{};
        return percent_decoded(pair.substr(equals + 1), true);
    }
    return std::nullopt;
}

response plain_text(unsigned status, std::string text) {
    response made;
    made.status = status;
    made.fields.push_back({"Content-Type", "text/plain; charset=utf-8"});
    made.body = std::move(text) + "\n";
    return made;
}

response json_text(std::string json) {
    response made;
    made.fields.push_back({"Content-Type", "application/json"});
    made.body = std::move(json);
    return made;
}

}  // namespace logagent::http
