#include <algorithm>

#include "logagent/base/escape.hpp"
#include "setting_rows.hpp"
#include "topic_choice.hpp"
#include "transfer/elasticsearch_index.hpp"

namespace logagent::transfer {

namespace {

using base::problem;
using base::result;
using base::schema_value;
using base::value_kind;

result<void> set_topics(route_settings& out, schema_value value) {
    auto chosen = read_topics(std::get<std::string>(value));
    if (!chosen) return chosen.error();
    out.topics = std::move(chosen->topics);
    out.pattern = std::move(chosen->pattern);
    return {};
}

result<void> set_from(route_settings& out, schema_value value) {
    const auto& text = std::get<std::string>(value);
    if (text == "earliest" || text == "latest") {
        out.from.at = text == "latest" ? start_point::kind::latest : start_point::kind::earliest;
        return {};
    }
    const auto time = parse_rfc3339(text);
    if (!time || *time < 0)
        return problem{"value", "allowed: earliest, latest, or a time like 2026-11-30T16:20:00Z"};
    out.from = {start_point::kind::time, *time};
    return {};
}

template <auto Member>
result<void> set_option(route_settings& out, schema_value value) {
    using field = std::remove_reference_t<decltype(out.options.*Member)>;
    if constexpr (std::is_same_v<field, std::string>)
        out.options.*Member = std::get<std::string>(std::move(value));
    else if constexpr (std::is_same_v<field, bool>)
        out.options.*Member = std::get<bool>(value);
    else if constexpr (std::is_integral_v<field>)
        out.options.*Member = static_cast<field>(std::get<std::int64_t>(value));
    else
        out.options.*Member = field{std::get<std::int64_t>(value)};
    return {};
}

result<void> set_parse(route_settings& out, schema_value value) {
    out.documents.parse = std::get<std::string>(std::move(value));
    return {};
}

result<void> set_charset(route_settings& out, schema_value value) {
    out.documents.charset = std::get<std::string>(std::move(value));
    return {};
}

result<void> set_timezone(route_settings& out, schema_value value) {
    const auto& text = std::get<std::string>(value);
    if (!read_timezone(text))
        return problem{"value",
                       "allowed: UTC, or hours and minutes east of it, such as +08:00 and -03:30"};
    out.documents.timezone = text == "UTC" ? std::string{} : text;
    return {};
}

result<void> set_index(route_settings& out, schema_value value) {
    auto& text = std::get<std::string>(value);
    if (const auto pattern = index_pattern::parse(text); !pattern) return pattern.error();
    out.options.index = std::move(text);
    return {};
}

result<void> set_compress(route_settings& out, schema_value value) {
    const auto& text = std::get<std::string>(value);
    out.options.compress = text == "none" ? std::string{} : text;
    return {};
}

result<void> set_root(route_settings& out, schema_value value) {
    const auto& path = std::get<std::string>(value);
    if (!path.starts_with('/')) return problem{"value", "not an absolute path"};
    out.options.root = path;
    return {};
}

constexpr std::string_view all = "All routes";
constexpr std::string_view batches = "Batches: elasticsearch and storm";
constexpr std::string_view search = "To elasticsearch";
constexpr std::string_view hadoop = "To hdfs";
constexpr std::string_view to_storm = "To storm and kafka";

constexpr std::int64_t day = 86'400;

const setting_row<route_settings> table[] = {
    {{.name = "topics",
      .allowed = "names with commas, or `~` and a regular expression",
      .section = all,
      .help = "What is read. An expression matches whole names, and never `*.dead`, "
              "`_logagent.*` and `__*`. Needed."},
     set_topics},
    {{.name = "sink",
      .allowed = "NAME of a [sink.NAME]",
      .section = all,
      .help = "Where it goes. Needed."},
     set_text<&route_settings::sink>},
    {{.name = "from",
      .default_text = "earliest",
      .allowed = "earliest, latest, or a time like 2026-11-30T16:20:00Z",
      .section = all,
      .help = "Where a group begins that is new to a topic. Partitions that are added to a topic "
              "later are read from their beginning."},
     set_from},
    {{.name = "dedupe_records",
      .kind = value_kind::integer,
      .default_text = "100000",
      .least = 0,
      .most = 10'000'000,
      .section = all,
      .help = "How many records back in its partition a record of an agent is recognised as one "
              "that was sent again, and dropped (counted). 0 = never."},
     set_number<&route_settings::dedupe_records>},
    {{.name = "dead_letter_percent",
      .kind = value_kind::integer,
      .default_text = "10",
      .least = 1,
      .most = 100,
      .section = all,
      .help = "When more than this part of the last 1000 records is refused by the sink, the route "
              "stalls instead of filling the dead letter topic, and offers what was refused to the "
              "sink again every 30 s. 100 = never."},
     set_number<&route_settings::dead_letter_percent>},
    {{.name = "drain_timeout",
      .kind = value_kind::integer,
      .default_text = "10",
      .least = 1,
      .most = 120,
      .unit = "s",
      .section = all,
      .help = "How long partitions that go to another process are held back until what was read of "
              "them is stored."},
     set_duration<&route_settings::drain_timeout>},
    {{.name = "parse",
      .allowed = "nginx, json, or re2:PATTERN with named groups",
      .section = all,
      .help = "What of a line is made into `fields` of the document."},
     set_parse},
    {{.name = "charset",
      .kind = value_kind::choice,
      .allowed = "gb18030|utf-16le|utf-16be",
      .section = all,
      .help = "What lines are written in, if not in UTF-8."},
     set_charset},
    {{.name = "timezone",
      .default_text = "UTC",
      .allowed = "UTC, or like `+08:00`",
      .section = all,
      .help = "Of times in lines that do not say their zone; that of this process means nothing."},
     set_timezone},

    {{.name = "batch_bytes",
      .kind = value_kind::integer,
      .default_text = "5242880",
      .least = 1024,
      .most = 64 << 20,
      .unit = "bytes",
      .section = batches,
      .help = "Size of a request at most; for storm 512 KiB whatever stands here."},
     set_option<&sink_options::batch_bytes>,
     "elasticsearch storm"},
    {{.name = "batch_records",
      .kind = value_kind::integer,
      .default_text = "2000",
      .least = 1,
      .most = 100'000,
      .section = batches,
      .help = "Records of a request at most."},
     set_option<&sink_options::batch_records>,
     "elasticsearch storm"},
    {{.name = "batch_age",
      .kind = value_kind::integer,
      .default_text = "1000",
      .least = 1,
      .most = 60'000,
      .unit = "ms",
      .section = batches,
      .help = "A request goes when its first record has waited this long."},
     set_option<&sink_options::batch_age>,
     "elasticsearch storm"},
    {{.name = "concurrency",
      .kind = value_kind::integer,
      .default_text = "8",
      .least = 1,
      .most = 64,
      .section = batches,
      .help = "Requests at the same time, at most."},
     set_option<&sink_options::concurrency>,
     "elasticsearch storm"},
    {{.name = "timeout",
      .kind = value_kind::integer,
      .default_text = "35000",
      .least = 100,
      .most = 600'000,
      .unit = "ms",
      .section = batches,
      .help = "How long one request may take."},
     set_option<&sink_options::timeout>,
     "elasticsearch hdfs storm"},

    {{.name = "index",
      .default_text = "logs-{service}-{yyyy.MM.dd}",
      .allowed = "a-z 0-9 - _ + . and in braces service, host, topic, or a time of yyyy, MM, dd "
                 "and HH",
      .section = search,
      .help = "Name of the index, in UTC and from the time of the event. At most 255 bytes: what "
              "the braces bring is cut to fit."},
     set_index,
     "elasticsearch"},
    {{.name = "install_template",
      .kind = value_kind::boolean,
      .default_text = "true",
      .section = search,
      .help = "Whether an index template is installed at the start."},
     set_option<&sink_options::install_template>,
     "elasticsearch"},
    {{.name = "gzip",
      .kind = value_kind::boolean,
      .default_text = "false",
      .section = search,
      .help = "Whether requests are compressed."},
     set_option<&sink_options::gzip>,
     "elasticsearch"},
    {{.name = "closed_index_is_dead",
      .kind = value_kind::boolean,
      .default_text = "false",
      .section = search,
      .help = "Whether records for a closed index become dead letters; otherwise they wait until "
              "it is opened."},
     set_option<&sink_options::closed_index_is_dead>,
     "elasticsearch"},

    {{.name = "root",
      .allowed = "absolute path",
      .section = hadoop,
      .help = "Directory of HDFS below which the files go. Needed."},
     set_root,
     "hdfs"},
    {{.name = "format",
      .kind = value_kind::choice,
      .default_text = "raw",
      .allowed = "raw|ndjson",
      .section = hadoop,
      .help = "Lines as they are, or documents."},
     set_option<&sink_options::format>,
     "hdfs"},
    {{.name = "compress",
      .kind = value_kind::choice,
      .default_text = "none",
      .allowed = "none|gzip|zstd",
      .section = hadoop,
      .help = "How files are compressed."},
     set_compress,
     "hdfs"},
    {{.name = "roll_bytes",
      .kind = value_kind::integer,
      .default_text = "134217728",
      .least = 1024,
      .most = std::int64_t{1} << 36,
      .unit = "bytes",
      .section = hadoop,
      .help = "A file is published when it is this large."},
     set_option<&sink_options::roll_bytes>,
     "hdfs"},
    {{.name = "roll_records",
      .kind = value_kind::integer,
      .default_text = "0",
      .least = 0,
      .most = std::int64_t{1} << 40,
      .section = hadoop,
      .help = "The same by records; 0 = no such limit."},
     set_option<&sink_options::roll_records>,
     "hdfs"},
    {{.name = "roll_age",
      .kind = value_kind::integer,
      .default_text = "300",
      .least = 1,
      .most = day,
      .unit = "s",
      .section = hadoop,
      .help = "The same by age, on the wall's clock."},
     set_option<&sink_options::roll_age>,
     "hdfs"},
    {{.name = "roll_idle",
      .kind = value_kind::integer,
      .default_text = "60",
      .least = 1,
      .most = day,
      .unit = "s",
      .section = hadoop,
      .help = "The same when no record came for this long."},
     set_option<&sink_options::roll_idle>,
     "hdfs"},

    {{.name = "mode",
      .kind = value_kind::choice,
      .default_text = "drpc",
      .allowed = "drpc|kafka",
      .section = to_storm,
      .help = "How Storm gets the records: as requests to its DRPC servers, or by a topic that a "
              "KafkaSpout reads."},
     set_option<&sink_options::mode>,
     "storm"},
    {{.name = "function",
      .section = to_storm,
      .help = "The DRPC function. Needed for `mode = drpc`."},
     set_option<&sink_options::function>,
     "storm"},
    {{.name = "attempts",
      .kind = value_kind::integer,
      .default_text = "5",
      .least = 1,
      .most = 1000,
      .section = to_storm,
      .help = "How often a batch is sent that the topology fails; then its records become dead "
              "letters."},
     set_option<&sink_options::attempts>,
     "storm"},
    {{.name = "topic",
      .section = to_storm,
      .help = "The topic that is written to, for a kafka sink and for `mode = kafka`."},
     set_option<&sink_options::topic>,
     "kafka storm"},
};

}  // namespace

std::span<const setting_row<route_settings>> route_table() {
    return table;
}

std::span<const base::schema_row> route_rows() {
    static const auto rows = rows_of(route_table());
    return rows;
}

}  // namespace logagent::transfer
