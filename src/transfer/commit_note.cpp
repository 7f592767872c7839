#include "commit_note.hpp"

#include "logagent/base/escape.hpp"
#include "logagent/base/json.hpp"

namespace logagent::transfer {

std::string to_text(const commit_note& note) {
    std::string out = "{\"v\":1";
    for (const auto& [name, value] :
         {std::pair{"topic_id", &note.topic_id}, std::pair{"sink", &note.sink}}) {
        if (value->empty()) continue;
        out += ",\"" + std::string{name} + "\":";
        base::append_json_string(out, *value);
    }
    return out + "}";
}

commit_note read_commit_note(std::string_view text) {
    commit_note out;
    const auto parsed = base::parse_json(text);
    const auto* object = parsed ? parsed->if_object() : nullptr;
    const auto* version = object ? object->if_contains("v") : nullptr;
    if (!version || !version->is_int64() || version->get_int64() != 1) {
        out.sink = text;
        return out;
    }
    const auto read = [&](std::string_view name, std::string& into) {
        const auto* value = object->if_contains(name);
        if (value && value->is_string()) into = std::string{value->get_string()};
    };
    read("topic_id", out.topic_id);
    read("sink", out.sink);
    return out;
}

}  // namespace logagent::transfer
