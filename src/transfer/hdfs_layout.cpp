#include "transfer/hdfs_layout.hpp"

// Inline: linked behind librdkafka, which has a part of it, the archive would be there twice.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <chrono>
#include <cstdio>

namespace logagent::transfer {

namespace {

constexpr std::int64_t ms_per_hour = 3'600'000;

std::string_view extension(const std::string& compress) {
    if (compress == "gzip") return ".log.gz";
    if (compress == "zstd") return ".log.zst";
    return ".log";
}

bool known(std::string_view value, std::initializer_list<std::string_view> values) {
    return std::ranges::find(values, value) != values.end();
}

}  // namespace

utc_hour hour_of(std::int64_t time_ms) noexcept {
    return time_ms / ms_per_hour - (time_ms % ms_per_hour < 0 ? 1 : 0);
}

std::string hdfs_layout::hash() const {
    const std::string text = base::json::serialize(to_json());
    char digits[17];
    std::snprintf(digits, sizeof digits, "%016llx",
                  static_cast<unsigned long long>(XXH3_64bits(text.data(), text.size())));
    return digits;
}

base::json::object hdfs_layout::to_json() const {
    base::json::object all;
    all["root"] = root;
    all["format"] = format;
    if (!compress.empty()) all["compress"] = compress;
    if (!documents.parse.empty()) all["parse"] = documents.parse;
    if (!documents.charset.empty()) all["charset"] = documents.charset;
    if (!documents.timezone.empty()) all["timezone"] = documents.timezone;
    return all;
}

base::result<hdfs_layout> hdfs_layout::from_json(const base::json::object& from) {
    hdfs_layout made;
    for (const auto& [name, value] : from) {
        const auto* text = value.if_string();
        std::string* into = nullptr;
        if (name == "root") into = &made.root;
        if (name == "format") into = &made.format;
        if (name == "compress") into = &made.compress;
        if (name == "parse") into = &made.documents.parse;
        if (name == "charset") into = &made.documents.charset;
        if (name == "timezone") into = &made.documents.timezone;
        if (into == nullptr || text == nullptr)
            return base::problem{"layout", "a layout with \"" + std::string{name} +
                                               "\", which this version does not know"};
        into->assign(text->data(), text->size());
    }
    if (!known(made.format, {"raw", "ndjson"}) || !known(made.compress, {"", "gzip", "zstd"}))
        return base::problem{"layout", "format \"" + made.format + "\", compress \"" +
                                           made.compress + "\": this version makes no such files"};
    return made;
}

std::string directory_of(const hdfs_layout& layout, const std::string& topic, utc_hour hour) {
    const auto day = std::chrono::floor<std::chrono::days>(
        std::chrono::sys_time<std::chrono::hours>{std::chrono::hours{hour}});
    const std::chrono::year_month_day date{day};
    const auto of_day =
        hour - std::chrono::duration_cast<std::chrono::hours>(day.time_since_epoch()).count();
    char text[48];
    std::snprintf(text, sizeof text, "/dt=%04d-%02u-%02u/hour=%02d", static_cast<int>(date.year()),
                  static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                  static_cast<int>(of_day));
    return layout.root + "/" + topic + text;
}

std::string file_name(const hdfs_layout& layout, const hdfs_source& of, offset_range range) {
    char offsets[64];
    std::snprintf(offsets, sizeof offsets, "+%d+%020lld+%020lld", of.partition,
                  static_cast<long long>(range.first), static_cast<long long>(range.last));
    return of.id + offsets + std::string{extension(layout.compress)};
}

std::string temporary_directory(const hdfs_layout& layout, const std::string& route,
                                const hdfs_source& of) {
    return layout.root + "/_tmp/" + route + "/" + of.id + "+" + std::to_string(of.partition);
}

std::string marker_name(const hdfs_source& of) {
    return "_complete+" + of.id + "+" + std::to_string(of.partition);
}

std::string percent_encoded(std::string_view path) {
    constexpr std::string_view plain = "-._~/";
    constexpr char digits[] = "0123456789ABCDEF";
    std::string out;
    out.reserve(path.size() + 16);
    for (const char c : path) {
        const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        if (letter || (c >= '0' && c <= '9') || plain.find(c) != plain.npos) {
            out += c;
        } else {
            const auto byte = static_cast<unsigned char>(c);
            out += '%';
            out += digits[byte >> 4];
            out += digits[byte & 15];
        }
    }
    return out;
}

}  // namespace logagent::transfer
