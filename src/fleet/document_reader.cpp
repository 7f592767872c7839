#include "fleet/document_reader.hpp"

#include <algorithm>

#include "logagent/base/escape.hpp"

namespace logagent::fleet {

namespace {

namespace json = boost::json;

constexpr std::size_t most_labels = 64;
constexpr std::size_t longest_label = 63;
constexpr std::size_t longest_label_value = 256;

bool is_alphanumeric(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool has_control(std::string_view text, bool lines) {
    return std::any_of(text.begin(), text.end(), [&](char c) {
        if (lines && (c == '\n' || c == '\r' || c == '\t')) return false;
        return (c >= 0 && c < 0x20) || c == 0x7F;
    });
}

/// Why `name` cannot be the name of a label, or "".
std::string label_problem(std::string_view name) {
    if (name == "host" || name == "ip")
        return "'host' and 'ip' have their own meaning in a selector";
    const bool legal =
        !name.empty() && name.size() <= longest_label && is_alphanumeric(name.front()) &&
        std::all_of(name.begin(), name.end(), [](char c) {
            return is_alphanumeric(c) || c == '.' || c == '_' || c == '-' || c == '/';
        });
    if (legal) return {};
    return "a label's name is 1 to 63 of a-z A-Z 0-9 . _ - / and begins with a letter or digit";
}

}  // namespace

void document_reader::complain(std::string_view member, std::string code, std::string text) {
    auto pointer = field_->pointer();
    base::append_pointer(pointer, member);
    errors_->push_back({std::move(pointer), std::move(code), std::move(text)});
}

void document_reader::complain(const base::json_error& error) {
    errors_->push_back({error.pointer, error.code, error.text});
}

void document_reader::text(std::string_view name, std::string& into, std::size_t most, bool lines) {
    const auto field = find(name);
    if (!field) return;
    const auto value = field->text();
    if (!value) return complain(value.error());
    if (value->size() > most)
        return complain(name, "range", "longer than " + std::to_string(most) + " bytes");
    if (has_control(*value, lines)) return complain(name, "range", "holds a control character");
    into = *value;
}

void document_reader::boolean(std::string_view name, bool& into) {
    const auto field = find(name);
    if (!field) return;
    const auto value = field->boolean();
    if (!value) return complain(value.error());
    into = *value;
}

void document_reader::texts(std::string_view name, std::vector<std::string>& into,
                            std::size_t most_items, std::size_t most_bytes) {
    const auto field = array(name);
    if (!field) return;
    const auto size = field->value().as_array().size();
    if (size > most_items)
        return complain(name, "limit",
                        "has " + std::to_string(size) + " elements; allowed: at most " +
                            std::to_string(most_items));
    for (std::size_t i = 0; i < size; ++i) {
        const auto element = field->at(i);
        const auto value = element.text();
        if (!value) {
            complain(value.error());
        } else if (value->empty() || value->size() > most_bytes || has_control(*value, false)) {
            complain(element.complain("range", "allowed: 1 to " + std::to_string(most_bytes) +
                                                   " bytes without control characters"));
        }
        // Kept even where it is wrong, so that every element stands at its index.
        into.emplace_back(value ? *value : std::string_view{});
    }
}

void document_reader::labels(std::string_view name, label_map& into) {
    const auto field = object(name);
    if (!field) return;
    const auto& members = field->value().as_object();
    if (members.size() > most_labels) return complain(name, "limit", "allowed: at most 64 labels");
    for (const auto& member : members) {
        const std::string_view label{member.key().data(), member.key().size()};
        const auto value = field->at(label).value();
        const auto text = value.text();
        if (auto problem = label_problem(label); !problem.empty()) {
            complain(value.complain("label", std::move(problem)));
        } else if (!text) {
            complain(text.error());
        } else if (text->size() > longest_label_value || has_control(*text, false)) {
            complain(value.complain("label",
                                    "a label holds at most 256 bytes without control characters"));
        } else {
            into.emplace(label, *text);
        }
    }
}

std::optional<base::json_field> document_reader::object(std::string_view name) {
    auto field = find(name);
    if (!field) return std::nullopt;
    const auto inside = field->object();
    if (inside) return field;
    complain(inside.error());
    return std::nullopt;
}

std::optional<base::json_field> document_reader::array(std::string_view name) {
    auto field = find(name);
    if (!field) return std::nullopt;
    const auto elements = field->array();
    if (elements) return field;
    complain(elements.error());
    return std::nullopt;
}

json::object document_reader::unknown(std::initializer_list<std::string_view> known,
                                      const unknown_fields& rule) {
    json::object found;
    for (const auto& member : *members_) {
        const std::string_view name{member.key().data(), member.key().size()};
        if (std::find(known.begin(), known.end(), name) == known.end())
            found[name] = member.value();
    }
    return judge_unknown(std::move(found), field_->pointer(), rule, *errors_);
}

void append_extra(json::object& out, const json::object& extra) {
    std::vector<std::string_view> names;
    for (const auto& member : extra)
        names.emplace_back(member.key().data(), member.key().size());
    std::sort(names.begin(), names.end());
    for (const auto name : names)
        out[name] = extra.at(name);
}

json::object judge_unknown(json::object extra, const std::string& pointer,
                           const unknown_fields& rule, std::vector<entry_error>& errors) {
    if (!rule.refuse) return extra;
    for (const auto& member : extra) {
        const auto* const stored = rule.stored ? rule.stored->if_contains(member.key()) : nullptr;
        if (stored && *stored == member.value()) continue;
        auto at = pointer;
        const std::string_view name{member.key().data(), member.key().size()};
        base::append_pointer(at, name.substr(0, 64));
        errors.push_back({std::move(at), "unknown_field",
                          stored ? "this version does not know the field and cannot change it"
                                 : "there is no such field"});
    }
    return rule.stored ? *rule.stored : json::object{};
}

std::string name_problem(std::string_view name) {
    const bool legal = !name.empty() && name.size() <= 64 && is_alphanumeric(name.front()) &&
                       std::all_of(name.begin(), name.end(), [](char c) {
                           return is_alphanumeric(c) || c == '.' || c == '_' || c == '-';
                       });
    if (legal) return {};
    return "'" + base::visible(name, 80) +
           "' is no name; allowed: 1 to 64 of a-z A-Z 0-9 . _ -, a letter or digit first";
}

}  // namespace logagent::fleet
