#include "logagent/base/setting.hpp"

#include "logagent/base/escape.hpp"
#include "logagent/base/ini.hpp"

namespace logagent::base {

namespace {

void read_file(std::vector<written_setting>& into, std::string_view text, const std::string& file,
               std::string_view kind) {
    const auto document = parse_ini(text);
    const auto at = [&](std::size_t line) { return file + ":" + std::to_string(line); };
    for (const auto& error : document.errors)
        into.push_back({at(error.line), "", "", error.text});
    for (const auto& section : document.sections)
        into.push_back({at(section.line), "", "",
                        std::string{kind} + " has no sections, but [" + visible(section.name, 60) +
                            "] begins one"});
    for (const auto& entry : document.entries)
        if (entry.section.empty()) into.push_back({at(entry.line), entry.key, entry.value});
}

void read_override(std::vector<written_setting>& into, const std::string& text) {
    const auto document = parse_ini(text);
    if (!document.errors.empty())
        into.push_back({"--set", "", "", document.errors[0].text});
    else if (document.entries.size() != 1)
        into.push_back({"--set", "", "", "expected one key=value"});
    else
        into.push_back({"--set", document.entries[0].key, document.entries[0].value});
}

}  // namespace

std::string setting_problem::line() const {
    std::string out = where;
    for (const auto& part : {key, text})
        if (!part.empty()) out += (out.empty() ? "" : ": ") + part;
    return out;
}

std::vector<written_setting> read_settings(std::string_view text, const std::string& file,
                                           std::string_view kind,
                                           std::span<const std::string> overrides) {
    std::vector<written_setting> out;
    read_file(out, text, file, kind);
    for (const auto& one : overrides)
        read_override(out, one);
    return out;
}

setting_problem unknown_setting(const written_setting& given, std::span<const schema_row> rows) {
    std::string text = "there is no such key";
    if (const auto meant = nearest_name(rows, given.key); !meant.empty())
        text += "; did you mean " + std::string{meant} + "?";
    return {given.where, visible(given.key, 60), text};
}

setting_problem bad_setting(const written_setting& given, const std::string& why) {
    const auto shown =
        given.value.empty() ? std::string{"an empty value"} : "'" + visible(given.value, 80) + "'";
    return {given.where, given.key, shown + ": " + why};
}

}  // namespace logagent::base
