#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "logagent/base/error.hpp"

namespace logagent::transfer {

/// What of a record decides its document: the same record always gives the same one.
struct source_record {
    std::string_view topic;
    std::string_view topic_id;  // empty = unknown
    std::int32_t partition = 0;
    std::int64_t offset = 0;
    std::int64_t timestamp_ms = -1;  // Kafka's, wall clock; -1 = none
    std::string_view key;
    std::string_view value;
};

/// How documents are made; options of a route.
struct document_options {
    std::string parse;     // "", "nginx", "json", "re2:PATTERN": what fills `fields`
    std::string charset;   // "", "gb18030", "utf-16le", "utf-16be": turned into UTF-8
    std::string timezone;  // "" = UTC, or "+08:00": of times in lines that do not say their zone

    bool operator==(const document_options&) const = default;
};

/// A document and what sinks ask of it.
struct document {
    std::string json;  // one line, without a line end
    std::string id;    // `event_id`: <generation>:<start>:<end>, or <topic id>:<partition>:<offset>
    std::string host;  // empty = unknown
    std::string service;         // empty = unknown
    std::int64_t time_ms = 0;    // of the event, clamped; decides the index and the hour
    bool time_was_read = false;  // false: no time in the line; `time_ms` is Kafka's
};

/// Makes documents of records. Pure; one for each route.
class document_maker {
public:
    virtual ~document_maker() = default;

    /// Never fails: what cannot be read goes as it is, flagged. `into` is overwritten; it keeps its
    /// memory, so one that is used again and again costs none.
    virtual void make(document& into, const source_record& from) const = 0;

    /// `time_ms` of its document, without the rest.
    virtual std::int64_t time_of(const source_record& from) const = 0;

    /// What it was made with: with equal options a record always gives the same document.
    virtual const document_options& options() const noexcept = 0;
};

/// Minutes east of UTC of "UTC", "+08:00" or "-03:30"; nothing for anything else. Zones with a
/// summer time have no fixed one.
std::optional<std::int32_t> read_timezone(std::string_view text);

/// Refuses a pattern, a charset or a time zone that does not exist, in one line.
base::result<std::unique_ptr<document_maker>> create_document_maker(document_options options);

}  // namespace logagent::transfer
