#include "logagent/transfer/document.hpp"

#include <ctime>
#include <functional>
#include <optional>

#include "logagent/base/bytes.hpp"
#include "logagent/base/escape.hpp"
#include "logagent/delivery/utf16.hpp"
#include "logagent/tail/line_time.hpp"
#include "transfer/gb18030.hpp"
#include "transfer/json_scan.hpp"
#include "transfer/line_fields.hpp"
#include "transfer/moment.hpp"
#include "transfer/record_form.hpp"

namespace logagent::transfer {

namespace {

constexpr std::int64_t day_ms = 86'400'000;
// A line is read after it was written. One that says it comes from tomorrow, or from long ago, has
// a wrong clock or a number that is no time: one such host must not fill the cluster with indices.
constexpr std::int64_t most_ahead = day_ms;
constexpr std::int64_t most_behind = 400 * day_ms;
constexpr std::int64_t least_time = 946'684'800'000;   // 2000-01-01
constexpr std::int64_t most_time = 4'102'444'800'000;  // 2100-01-01
constexpr std::size_t beside_the_line = 400;

/// Appends bytes of a charset as UTF-8; false = something was replaced.
using decoder = std::function<bool(std::string& out, std::string_view bytes)>;

base::result<decoder> decoder_of(const std::string& charset) {
    using delivery::encoding;
    if (charset.empty()) return decoder{};
    if (charset == "gb18030") return decoder{append_gb18030};
    for (const auto as : {encoding::utf16le, encoding::utf16be})
        if (charset == (as == encoding::utf16le ? "utf-16le" : "utf-16be"))
            return decoder{[as](std::string& out, std::string_view bytes) {
                return delivery::utf16::append_utf8(out, bytes, as);
            }};
    return base::problem{"charset", "'" + base::visible(charset, 60) +
                                        "' is not known; gb18030, utf-16le or utf-16be"};
}

/// What a record turned out to be.
struct contents {
    std::optional<record_origin> origin;
    std::string_view line;
    bool encoding_error = false;
};

class maker : public document_maker {
public:
    maker(document_options how, std::unique_ptr<line_fields> fields, decoder decode,
          std::int32_t zone_minutes)
        : how_{std::move(how)},
          fields_{std::move(fields)},
          decode_{std::move(decode)},
          moments_{zone_minutes} {}

    void make(document& made, const source_record& from) const override {
        const contents found = read(from);
        set_time(made, from, found.line);
        set_id(made, from, found.origin);
        made.host.clear();
        made.service.clear();
        made.json.clear();
        made.json.reserve(from.key.size() + found.line.size() + from.topic.size() +
                          beside_the_line);
        append(made, from, found);
    }

    std::int64_t time_of(const source_record& from) const override {
        document made;
        // What a key says matters only to what may be an agent's JSON.
        source_record bare = from;
        if (!from.value.starts_with('{')) bare.key = {};
        set_time(made, from, read(bare).line);
        return made.time_ms;
    }

    const document_options& options() const noexcept override { return how_; }

private:
    contents read(const source_record& from) const;
    void set_time(document& made, const source_record& from, std::string_view line) const;
    static void set_id(document& made, const source_record& from,
                       const std::optional<record_origin>& origin);
    void append(document& made, const source_record& from, const contents& found) const;
    bool append_origin(document& made, const record_origin& origin) const;

    document_options how_;
    std::unique_ptr<line_fields> fields_;  // null: none are wanted
    decoder decode_;                       // empty: the line is UTF-8
    tail::line_moments moments_;
    mutable moment_writer stamps_;
    mutable std::string line_;  // of the document that is being made
    mutable std::string text_;
};

contents maker::read(const source_record& from) const {
    contents found;
    found.origin = read_key(from.key);
    if (const auto wrapped = read_envelope(from.value)) {
        // Under the key of another record it is a line that looks like one of ours.
        const auto message = unescaped(wrapped->message, line_);
        if (message && (!found.origin || found.origin->same_record(wrapped->origin))) {
            found.origin = wrapped->origin;
            found.line = *message;
            found.encoding_error = wrapped->encoding_error;
            return found;
        }
    }
    found.line = from.value;
    if (!decode_) return found;
    line_.clear();
    found.encoding_error = !decode_(line_, from.value);
    found.line = line_;
    return found;
}

void maker::set_time(document& made, const source_record& from, std::string_view line) const {
    const bool known = from.timestamp_ms >= 0;
    const auto time = moments_.find(line, known ? from.timestamp_ms : 0);
    const bool sane = time && *time >= least_time && *time < most_time &&
                      (!known || (*time <= from.timestamp_ms + most_ahead &&
                                  *time >= from.timestamp_ms - most_behind));
    made.time_was_read = sane;
    made.time_ms = sane ? *time : known ? from.timestamp_ms : 0;
}

void maker::set_id(document& made, const source_record& from,
                   const std::optional<record_origin>& origin) {
    std::string& id = made.id;
    if (origin) {
        id = origin->generation;
        id += ':';
        base::append_number(id, origin->start);
        id += ':';
        base::append_number(id, origin->end);
        return;
    }
    // Without the topic's id its name must do, and a topic made anew begins with the same ids.
    id = from.topic_id.empty() ? from.topic : from.topic_id;
    id += ':';
    base::append_number(id, from.partition);
    id += ':';
    base::append_number(id, from.offset);
}

bool maker::append_origin(document& made, const record_origin& origin) const {
    bool repaired = false;
    const auto text = [&](std::string_view name, std::string_view raw, std::string* into) {
        const auto value = unescaped(raw, text_);
        if (!value || value->empty()) return;
        made.json += name;
        repaired |= base::append_json_string(made.json, *value);
        if (into) *into = *value;
    };
    text(",\"host\":", origin.host, &made.host);
    text(",\"service\":", origin.service, &made.service);
    text(",\"path\":", origin.path, nullptr);
    return repaired;
}

void maker::append(document& made, const source_record& from, const contents& found) const {
    std::string& json = made.json;
    bool repaired = found.encoding_error;
    json += "{\"@timestamp\":\"";
    stamps_.append(json, made.time_ms);
    json += '"';
    if (found.origin) repaired |= append_origin(made, *found.origin);
    json += ",\"message\":";
    repaired |= base::append_json_string(json, found.line);
    json += ",\"topic\":";
    base::append_json_string(json, from.topic);
    json += ",\"kafka\":{\"partition\":";
    base::append_number(json, from.partition);
    json += ",\"offset\":";
    base::append_number(json, from.offset);
    json += "},\"event_id\":";
    base::append_json_string(json, made.id);
    if (fields_) {
        const auto before = json.size();
        json += ",\"fields\":";
        if (!fields_->append(json, found.line)) {
            json.resize(before);
            json += ",\"parse_error\":true";
        }
    }
    if (repaired) json += ",\"encoding_error\":true";
    json += '}';
}

}  // namespace

std::optional<std::int32_t> read_timezone(std::string_view text) {
    if (text == "UTC") return 0;
    const bool shaped = text.size() == 6 && (text[0] == '+' || text[0] == '-') && text[3] == ':';
    if (!shaped) return std::nullopt;
    std::int32_t parts[2] = {};
    for (const auto& [at, part] : {std::pair{1U, 0}, {2U, 0}, {4U, 1}, {5U, 1}}) {
        if (text[at] < '0' || text[at] > '9') return std::nullopt;
        parts[part] = parts[part] * 10 + (text[at] - '0');
    }
    const auto [hours, minutes] = parts;
    if (hours > 14 || minutes > 59) return std::nullopt;
    return (hours * 60 + minutes) * (text[0] == '-' ? -1 : 1);
}

base::result<std::unique_ptr<document_maker>> create_document_maker(document_options options) {
    auto fields = create_line_fields(options.parse);
    if (!fields) return fields.error();
    auto decode = decoder_of(options.charset);
    if (!decode) return decode.error();
    const auto zone = options.timezone.empty() ? 0 : read_timezone(options.timezone);
    if (!zone)
        return base::problem{
            "timezone", "'" + base::visible(options.timezone, 60) + "' is not UTC or like +08:00"};
    return std::unique_ptr<document_maker>{
        std::make_unique<maker>(std::move(options), std::move(*fields), std::move(*decode), *zone)};
}

}  // namespace logagent::transfer
