#include "cli/configuration.hpp"

#include <cerrno>
#include <fstream>
#include <map>

#include "logagent/base/escape.hpp"
#include "logagent/http/client.hpp"

namespace logagent::cli {

namespace {

constexpr std::size_t most_ini_bytes = 1 << 20;

std::string joined(const std::vector<std::string>& parts) {
    std::string out;
    for (const auto& part : parts)
        out += (out.empty() ? "" : ",") + part;
    return out;
}

/// Checks kafka.<property>, and that the brokers can be read as such.
void read_kafka(configuration& into) {
    const auto& loaded = into.settings;
    std::map<std::string, std::string> given;
    for (const auto& [name, property] : loaded.kafka)
        given.emplace(name, property.value);
    auto checked = kafka::read_settings(joined(loaded.kafka_addr), given, http::default_ca_file());
    for (const auto& error : checked.errors) {
        // Brokers that are not given are missing, which is for others to judge.
        if (error.key == "kafka_addr" && loaded.kafka_addr.empty()) continue;
        const auto property = loaded.kafka.find(error.key.substr(error.key.find('.') + 1));
        into.problems.push_back(
            {property == loaded.kafka.end() ? into.where : property->second.where,
             base::visible(error.key, 80),
             "'" + base::visible(error.value, 80) + "' " + base::visible(error.reason, 200) +
                 "; allowed: " + error.allowed});
    }
    into.kafka = std::move(checked.value);
}

}  // namespace

base::result<std::string> read_file(const std::string& path, std::size_t limit) {
    const auto failure = [&](std::string code, std::string why) {
        return base::problem{std::move(code), base::visible(path, 300) + ": " + std::move(why)};
    };
    errno = 0;
    std::ifstream in{path, std::ios::binary};
    if (!in) return failure("read", "cannot be opened: " + base::describe_errno(errno));
    std::string text(limit + 1, '\0');
    errno = 0;
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (in.bad() || errno != 0)
        return failure("read", "cannot be read: " + base::describe_errno(errno));
    text.resize(static_cast<std::size_t>(in.gcount()));
    if (text.size() > limit)
        return failure("size", "is larger than " + std::to_string(limit) + " bytes");
    return text;
}

configuration read_configuration(const std::string& file, std::span<const std::string> overrides) {
    configuration out;
    out.where = file.empty() ? "the command line" : file;
    std::string text;
    if (!file.empty()) {
        auto read = read_file(file, most_ini_bytes);
        if (!read) {
            out.problems.push_back({"", "", read.error().text});
            return out;
        }
        text = *std::move(read);
    }
    auto loaded = agent::load_settings(text, file, overrides);
    out.settings = std::move(loaded.settings);
    out.problems = std::move(loaded.problems);
    out.notes = std::move(loaded.notes);
    read_kafka(out);
    return out;
}

}  // namespace logagent::cli
