#include "fleet/target_fields.hpp"

#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/value.hpp>

namespace logagent::fleet {

namespace {

namespace json = boost::json;
using base::json_field;
using base::schema_row;
using base::value_kind;

constexpr std::size_t most_list_items = 64;

/// The choices of a row, in the order of their enumerators.
std::vector<std::string_view> choices_of(const schema_row& row) {
    std::vector<std::string_view> out;
    for (auto left = row.allowed; !left.empty();) {
        const auto end = std::min(left.find('|'), left.size());
        out.push_back(left.substr(0, end));
        left.remove_prefix(std::min(end + 1, left.size()));
    }
    return out;
}

template <auto Member>
void read_text(entry_reader& reader, const schema_row&, const json_field& field) {
    const auto text = field.text();
    if (!text) return reader.complain(text.error());
    reader.target.*Member = *text;
}

template <auto Member>
void read_integer(entry_reader& reader, const schema_row& row, const json_field& field) {
    const auto number = field.integer(row.least, row.most);
    if (!number) return reader.complain(number.error());
    using type = std::remove_reference_t<decltype(reader.target.*Member)>;
    reader.target.*Member = static_cast<type>(*number);
}

template <auto Member>
void read_boolean(entry_reader& reader, const schema_row&, const json_field& field) {
    const auto truth = field.boolean();
    if (!truth) return reader.complain(truth.error());
    reader.target.*Member = *truth;
}

template <auto Member>
void read_choice(entry_reader& reader, const schema_row& row, const json_field& field) {
    const auto text = field.text();
    if (!text) return reader.complain(text.error());
    const auto choices = choices_of(row);
    const auto found = std::find(choices.begin(), choices.end(), *text);
    if (found == choices.end())
        return reader.complain(field.pointer(), "choice", "allowed: " + base::allowed_text(row));
    using type = std::remove_reference_t<decltype(reader.target.*Member)>;
    reader.target.*Member = static_cast<type>(found - choices.begin());
}

/// Calls `each` for every element of a list that is not too long. A list with a wrong element is
/// left empty, because the others would no longer stand at their index.
template <class List, class Each>
void read_elements(entry_reader& reader, const json_field& field, List& list, Each&& each) {
    const auto array = field.array();
    if (!array) return reader.complain(array.error());
    if ((*array)->size() > most_list_items)
        return reader.complain(field.pointer(), "range", "a list has at most 64 elements");
    const auto complaints = reader.errors.size();
    for (std::size_t i = 0; i < (*array)->size(); ++i)
        each(field.at(i));
    if (reader.errors.size() != complaints) list.clear();
}

template <auto Member>
void read_texts(entry_reader& reader, const schema_row&, const json_field& field) {
    read_elements(reader, field, reader.target.*Member, [&](const json_field& element) {
        const auto text = element.text();
        if (!text) return reader.complain(text.error());
        (reader.target.*Member).emplace_back(*text);
    });
}

/// Complains about members of an inner object that nobody knows. Inside an entry that is refused.
void refuse_others(entry_reader& reader, const json_field& field,
                   std::initializer_list<std::string_view> known) {
    for (const auto& member : *field.object().value()) {
        const std::string_view name{member.key().data(), member.key().size()};
        if (std::find(known.begin(), known.end(), name) != known.end()) continue;
        auto pointer = field.pointer();
        base::append_pointer(pointer, name);
        reader.complain(std::move(pointer), "type", "there is no such member here");
    }
}

void read_mask(entry_reader& reader, const schema_row&, const json_field& field) {
    read_elements(reader, field, reader.target.mask, [&](const json_field& element) {
        if (!element.object()) return reader.complain(element.object().error());
        refuse_others(reader, element, {"match", "with"});
        mask_rule rule;
        for (const auto& [name, member] : {std::pair{"match", &rule.match}, {"with", &rule.with}}) {
            const auto part = element.at(name);
            if (!part) {
                reader.complain(part.error());
                continue;
            }
            const auto text = part->text();
            if (!text) {
                reader.complain(text.error());
                continue;
            }
            *member = *text;
        }
        reader.target.mask.push_back(std::move(rule));
    });
}

void read_multiline(entry_reader& reader, const schema_row&, const json_field& field) {
    if (!field.object()) return reader.complain(field.object().error());
    refuse_others(reader, field, {"start", "max_lines", "timeout_ms"});
    multiline_rule rule;
    if (const auto start = field.at("start"); !start) {
        reader.complain(start.error());
    } else if (const auto text = start->text(); !text) {
        reader.complain(text.error());
    } else {
        rule.start = *text;
    }
    const auto read_number = [&](std::string_view name, std::int64_t most, std::uint32_t& number) {
        const auto part = field.find(name);
        if (!part) return;
        const auto value = part->integer(1, most);
        if (!value) return reader.complain(value.error());
        number = static_cast<std::uint32_t>(*value);
    };
    read_number("max_lines", 100'000, rule.max_lines);
    read_number("timeout_ms", 600'000, rule.timeout_ms);
    reader.target.multiline = std::move(rule);
}

/// Whether a field has to be written.
template <auto Member>
bool wanted(const log_target& target, bool always) {
    static const log_target defaults;
    return always || target.*Member != defaults.*Member;
}

template <auto Member>
void write_plain(json::object& out, const schema_row& row, const log_target& target, bool always) {
    if (wanted<Member>(target, always)) out[row.name] = target.*Member;
}

template <auto Member>
void write_choice(json::object& out, const schema_row& row, const log_target& target, bool always) {
    if (wanted<Member>(target, always))
        out[row.name] = choices_of(row)[static_cast<std::size_t>(target.*Member)];
}

template <auto Member>
void write_texts(json::object& out, const schema_row& row, const log_target& target, bool always) {
    if (wanted<Member>(target, always))
        out[row.name] = json::array((target.*Member).begin(), (target.*Member).end());
}

void write_mask(json::object& out, const schema_row& row, const log_target& target, bool always) {
    if (!wanted<&log_target::mask>(target, always)) return;
    auto& rules = out[row.name].emplace_array();
    for (const auto& rule : target.mask)
        rules.push_back(json::object{{"match", rule.match}, {"with", rule.with}});
}

void write_multiline(json::object& out, const schema_row& row, const log_target& target, bool) {
    if (!target.multiline) return;
    out[row.name] = json::object{{"start", target.multiline->start},
                                 {"max_lines", target.multiline->max_lines},
                                 {"timeout_ms", target.multiline->timeout_ms}};
}

using target = log_target;

constexpr std::string_view article = "What and where to";
constexpr std::string_view pace = "Pace";
constexpr std::string_view files = "Which files, from where";
constexpr std::string_view records = "Records";
constexpr std::string_view contents = "Contents";

// One row a field. Choices stand in the order of their enumerators.
const target_field table[] = {
    {{.name = "service",
      .allowed = "at most 256 bytes, no control characters",
      .section = article,
      .help = "Name of the service; goes into every record key."},
     true,
     read_text<&target::service>,
     write_plain<&target::service>},
    {{.name = "log_path",
      .allowed = "absolute path without `..`; glob with `*`, `?`, `[]`, `**`",
      .section = article,
      .help = "File to collect, or a glob. Required."},
     true,
     read_text<&target::log_path>,
     write_plain<&target::log_path>},
    {{.name = "topic",
      .allowed = "1 to 249 of a-z A-Z 0-9 . _ -",
      .section = article,
      .help = "Kafka topic that the lines go to. Required."},
     true,
     read_text<&target::topic>,
     write_plain<&target::topic>},
    {{.name = "send_rate",
      .kind = value_kind::integer,
      .default_text = "0",
      .most = 1'000'000'000,
      .unit = "lines/s",
      .section = pace,
      .help = "Lines a second of each file; 0 = as fast as they come. Delays, never drops."},
     true,
     read_integer<&target::send_rate>,
     write_plain<&target::send_rate>},
    {{.name = "send_rate_bytes",
      .kind = value_kind::integer,
      .default_text = "0",
      .most = 1'000'000'000'000,
      .unit = "bytes/s",
      .section = pace,
      .help = "Bytes a second of each file, beside send_rate; 0 = no limit."},
     false,
     read_integer<&target::send_rate_bytes>,
     write_plain<&target::send_rate_bytes>},
    {{.name = "overload",
      .kind = value_kind::choice,
      .default_text = "block",
      .allowed = "block|live_first",
      .section = pace,
      .help = "What waits when more is written than may be sent: `block` keeps the order; "
              "`live_first` jumps to the newest lines once the backlog takes more than 10 s, and "
              "sends what it passed over with the rate that they leave (`hole_bytes` in the "
              "status). Order holds in front of a jump, within what was passed over, and behind "
              "it."},
     false,
     read_choice<&target::overload>,
     write_choice<&target::overload>},
    {{.name = "start",
      .kind = value_kind::choice,
      .default_text = "end",
      .allowed = "end|start",
      .section = files,
      .help = "Where to begin in files that already existed when the target was first applied; "
              "files born later begin at their start, known files go on where they were."},
     false,
     read_choice<&target::start>,
     write_choice<&target::start>},
    {{.name = "exclude",
      .kind = value_kind::list,
      .allowed = "globs, at most 64",
      .section = files,
      .help = "Files not to collect. A glob with a slash is compared with the path, one without "
              "with the name."},
     false,
     read_texts<&target::exclude>,
     write_texts<&target::exclude>},
    {{.name = "ignore_older_s",
      .kind = value_kind::integer,
      .default_text = "0",
      .most = 3'153'600'000,
      .unit = "s",
      .section = files,
      .help = "Files last written longer ago are not begun; 0 = all are."},
     false,
     read_integer<&target::ignore_older_s>,
     write_plain<&target::ignore_older_s>},
    {{.name = "format",
      .kind = value_kind::choice,
      .default_text = "raw",
      .allowed = "raw|json",
      .section = records,
      .help = "Value of a record: the line as it is, or a JSON envelope around it."},
     false,
     read_choice<&target::format>,
     write_choice<&target::format>},
    {{.name = "key",
      .kind = value_kind::choice,
      .default_text = "full",
      .allowed = "full|id|none",
      .section = records,
      .help = "Key of a record: host, service, path and position; position only; or none."},
     false,
     read_choice<&target::key>,
     write_choice<&target::key>},
    {{.name = "partition",
      .kind = value_kind::choice,
      .default_text = "file",
      .allowed = "file|spread",
      .section = records,
      .help = "`file` keeps a file in one partition, in order; `spread` uses all partitions."},
     false,
     read_choice<&target::partition>,
     write_choice<&target::partition>},
    {{.name = "max_line_bytes",
      .kind = value_kind::integer,
      .default_text = "1000000",
      .least = 256,
      .most = 10'000'000,
      .unit = "bytes",
      .section = records,
      .help = "Largest record (key, value and 128 bytes); the topic's own limit holds as well."},
     false,
     read_integer<&target::max_line_bytes>,
     write_plain<&target::max_line_bytes>},
    {{.name = "oversize",
      .kind = value_kind::choice,
      .default_text = "truncate",
      .allowed = "truncate|split|dead_letter",
      .section = records,
      .help = "What becomes of a longer line: cut (and counted), sent as several records whose "
              "ranges follow each other (a character is never divided), or sent to "
              "`<topic>.dead`. Of a line that is too long for memory `keep`, `drop` and `mask` see "
              "each piece alone."},
     false,
     read_choice<&target::oversize>,
     write_choice<&target::oversize>},
    {{.name = "skip_blank",
      .kind = value_kind::boolean,
      .default_text = "true",
      .section = contents,
      .help = "Leave out (and count) lines that hold nothing but blanks. NUL bytes in front of a "
              "line are always left out, and counted as blank."},
     false,
     read_boolean<&target::skip_blank>,
     write_plain<&target::skip_blank>},
    {{.name = "keep",
      .kind = value_kind::list,
      .allowed = "RE2 patterns, at most 64",
      .section = contents,
      .help = "If there are any, only lines that one of them matches are sent."},
     false,
     read_texts<&target::keep>,
     write_texts<&target::keep>},
    {{.name = "drop",
      .kind = value_kind::list,
      .allowed = "RE2 patterns, at most 64",
      .section = contents,
      .help = "Lines that one of them matches are not sent, and counted."},
     false,
     read_texts<&target::drop>,
     write_texts<&target::drop>},
    {{.name = "mask",
      .kind = value_kind::list,
      .allowed = "objects {\"match\": RE2, \"with\": text}, at most 64",
      .section = contents,
      .help = "Replaces every match before the line leaves the host; `\\1` is the first group."},
     false,
     read_mask,
     write_mask},
    {{.name = "decode",
      .kind = value_kind::choice,
      .default_text = "none",
      .allowed = "none|cri|docker",
      .section = contents,
      .help =
          "Takes the text out of a container runtime's lines, and joins partial ones for each "
          "stream; 5 s after the last part a line is sent as it is. Lines that are not valid in "
          "the format are passed on as they are, and counted in `/metrics`."},
     false,
     read_choice<&target::decode>,
     write_choice<&target::decode>},
    {{.name = "charset",
      .kind = value_kind::choice,
      .default_text = "bytes",
      .allowed = "bytes|utf-16le|utf-16be",
      .section = contents,
      .help = "UTF-16 is sent as UTF-8 (U+FFFD for what is no character), always where a file "
              "begins with a byte order mark of it; `bytes` sends lines as they are."},
     false,
     read_choice<&target::charset>,
     write_choice<&target::charset>},
    {{.name = "multiline",
      .kind = value_kind::object,
      .allowed = "{\"start\": RE2, \"max_lines\": 500, \"timeout_ms\": 5000}",
      .section = contents,
      .help = "Joins lines, after `decode` and `charset`, up to the next one that `start` matches, "
              "to `max_lines`, to `max_line_bytes`, or until nothing was written for "
              "`timeout_ms`. Rates and `keep`, `drop`, `mask` are about the joined record."},
     false,
     read_multiline,
     write_multiline},
};

}  // namespace

std::span<const target_field> target_field_table() {
    return table;
}

std::span<const schema_row> target_fields() {
    static const auto rows = [] {
        std::array<schema_row, std::size(table)> out;
        std::transform(std::begin(table), std::end(table), out.begin(),
                       [](const target_field& field) { return field.row; });
        return out;
    }();
    return rows;
}

}  // namespace logagent::fleet
