// The last good configuration as it lies in the state directory:
//
//     {"check":"<16 hex>","saved":{"format":1,"keys":"/logagent/%s/logconfig","cluster_id":"1",
//      "seen":9,"revision":7,"documents":[{"address","revision","value","lost_s"}]}}
//
// `check` is the XXH3 of `saved` as it is serialized here; `lost_s` stands only with addresses that
// the host had lost, in seconds.

#define XXH_INLINE_ALL
#include <xxhash.h>

#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <cstdio>

#include "logagent/agent/config_state.hpp"
#include "logagent/base/json.hpp"

namespace logagent::agent {

namespace {

namespace json = boost::json;

constexpr std::int64_t format_version = 1;
constexpr std::size_t largest_copy = 512u << 20;  // 64 keys of 1.5 MiB, all of it escaped

std::string check_of(const std::string& text) {
    char hex[17];
    std::snprintf(hex, sizeof hex, "%016llx",
                  static_cast<unsigned long long>(XXH3_64bits(text.data(), text.size())));
    return hex;
}

base::problem corrupt(const std::string& why) {
    return {"corrupt", "the copy of the last good configuration cannot be used: " + why};
}

std::uint64_t cluster_from(std::string_view digits) {
    std::uint64_t id = 0;
    std::from_chars(digits.data(), digits.data() + digits.size(), id);
    return id;
}

}  // namespace

std::string config_state::save(time_point now) const {
    json::array documents;
    for (const auto& [address, document] : documents_) {
        if (!document.good) continue;
        json::object one{
            {"address", address}, {"revision", document.revision}, {"value", document.text}};
        if (document.lost)
            one["lost_s"] = static_cast<std::int64_t>(document.lost_for(now).count());
        documents.push_back(std::move(one));
    }
    json::object saved{{"format", format_version},
                       {"keys", key_of_("%s")},
                       {"cluster_id", std::to_string(cluster_)},
                       {"seen", seen_},
                       {"revision", revision_},
                       {"documents", std::move(documents)}};
    const auto text = json::serialize(saved);
    return R"({"check":")" + check_of(text) + R"(","saved":)" + text + "}\n";
}

base::result<void> config_state::load(std::string_view text, time_point now) {
    base::json_limits limits;
    limits.max_bytes = largest_copy;
    const auto parsed = base::parse_json(text, limits);
    if (!parsed) return corrupt(base::describe(parsed.error()));
    const base::json_field root{*parsed};
    const auto saved = root.at("saved");
    const auto check = root.at("check");
    if (!saved || !check || !check->text()) return corrupt("it is not such a copy");
    if (*check->text() != check_of(json::serialize(saved->value())))
        return corrupt("its checksum is wrong");

    // From here on it is what save() wrote, of this version or of another one.
    try {
        const auto& body = saved->value().as_object();
        if (body.at("format").as_int64() != format_version)
            return corrupt("it has format " + json::serialize(body.at("format")) +
                           ", this version reads " + std::to_string(format_version));
        if (body.at("keys").as_string() != key_of_("%s"))
            return base::problem{"foreign",
                                 "the copy of the last good configuration is of the keys " +
                                     json::serialize(body.at("keys")) + "; it is not used"};
        std::map<std::string, address_document> documents;
        for (const auto& one : body.at("documents").as_array()) {
            const auto& fields = one.as_object();
            address_document read;
            read.text = fields.at("value").as_string();
            read.revision = fields.at("revision").as_int64();
            read.good = fleet::parse_logconfig(read.text);
            if (read.good->broken) return corrupt("one of its documents is broken");
            refuse_topics(*read.good);
            if (const auto* lost = fields.if_contains("lost_s")) {
                read.lost = true;
                read.lost_at = now;
                read.lost_before = std::chrono::seconds{lost->as_int64()};
            }
            documents.emplace(std::string{fields.at("address").as_string()}, std::move(read));
        }
        cluster_ = cluster_from(body.at("cluster_id").as_string());
        seen_ = body.at("seen").as_int64();
        revision_ = body.at("revision").as_int64();
        known_ = !documents.empty();
        documents_ = std::move(documents);
    } catch (const std::exception& wrong) {
        return corrupt(wrong.what());
    }
    return {};
}

}  // namespace logagent::agent
