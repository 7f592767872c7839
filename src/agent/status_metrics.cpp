#include "agent/status_metrics.hpp"

#include "logagent/base/escape.hpp"

namespace logagent::agent {

using base::metrics_page;
using kind = metrics_page::kind;

namespace {

constexpr std::size_t most_single_files = 1000;
constexpr std::size_t looks_per_slice = 1000;
constexpr std::size_t samples_per_slice = 300;

void one(metrics_page& page, std::string_view name, kind what, std::string_view help, auto value) {
    page.family(name, what, help);
    page.sample(value);
}

std::uint64_t flag(bool yes) {
    return yes ? 1 : 0;
}

double seconds(std::int64_t ms) {
    return static_cast<double>(ms) / 1000;
}

void write_program(metrics_page& page, const status_values& values) {
    page.family("build_info", kind::gauge, "Always 1; the labels tell who this is.");
    page.sample({{"version", values.version}, {"host", values.host}, {"instance", values.instance}},
                std::uint64_t{1});
    one(page, "start_time_seconds", kind::gauge, "When this process began, seconds since 1970.",
        seconds(values.started_ms));
    one(page, "healthy", kind::gauge, "1 while there is no problem.",
        flag(values.problems.empty()));
    std::map<std::string, std::uint64_t> problems;
    for (const auto& standing : values.problems)
        ++problems[standing.code];
    page.family("problems", kind::gauge, "Standing problems by code.");
    for (const auto& [code, count] : problems)
        page.sample({{"code", code}}, count);
    one(page, "journal_problem", kind::gauge, "1 while positions cannot be saved.",
        flag(!values.journal_works));
    one(page, "loop_stall_seconds_max", kind::gauge,
        "The longest time for which one piece of work kept all others waiting.",
        values.longest_stall_s);
}

void write_config(metrics_page& page, const config_report& config) {
    page.family("config_state", kind::gauge, "1 for the state the configuration is in.");
    for (const std::string_view state : {"applied", "failed", "waiting"})
        page.sample({{"state", state}}, flag(config.state == state));
    one(page, "config_revision", kind::gauge, "Revision of the applied configuration.",
        config.revision);
    one(page, "config_applied_timestamp_seconds", kind::gauge,
        "When the configuration was applied, seconds since 1970; 0 = never.",
        seconds(config.applied_ms));
    one(page, "config_errors", kind::gauge, "Entries and documents that were refused.",
        static_cast<std::uint64_t>(config.errors.size()));
}

void write_kafka(metrics_page& page, const status_values& values) {
    one(page, "kafka_up", kind::gauge, "1 while a broker answers.", flag(values.kafka_up));
    one(page, "kafka_requests_per_second", kind::gauge, "ProduceRequests answered.",
        values.requests_per_s);
    one(page, "kafka_rebuilds_total", kind::counter, "Times the client was made anew.",
        values.kafka_rebuilds);
    page.family("kafka_blocked", kind::gauge,
                "1 for each topic (partition -1) or partition that takes nothing.");
    for (const auto& blocked : values.blocked)
        page.sample({{"topic", blocked.topic},
                     {"partition", std::to_string(blocked.partition)},
                     {"reason", blocked.reason}},
                    std::uint64_t{1});
    one(page, "in_flight_bytes", kind::gauge,
        "Memory of what is read and not acknowledged, overhead included.", values.in_flight_bytes);
    one(page, "in_flight_limit_bytes", kind::gauge, "The limit of in_flight_bytes.",
        values.in_flight_limit);
}

void write_traffic(metrics_page& page, const status_values& values) {
    page.family("ledger_bytes_total", kind::counter,
                "What became of the bytes of all files since the state was made.");
    for (std::size_t i = 0; i < checkpoint::byte_classes; ++i)
        page.sample({{"class", name(static_cast<checkpoint::byte_class>(i))}},
                    values.ledger.classes[i]);
    one(page, "ledger_in_flight_bytes", kind::gauge, "Bytes sent and not acknowledged.",
        values.ledger.in_flight);
    one(page, "ledger_unread_bytes", kind::gauge, "Bytes that stand in files and are not read.",
        values.ledger.unread);
    const auto& counted = values.counted;
    one(page, "lines_read_total", kind::counter, "Lines read.", counted.lines_read);
    one(page, "lines_acked_total", kind::counter, "Lines that Kafka holds.", counted.lines_acked);
    one(page, "read_bytes_total", kind::counter, "Bytes read.", counted.bytes_read);
    one(page, "rewinds_total", kind::counter, "Times lines were sent again after a failure.",
        counted.rewinds);
    one(page, "rotations_total", kind::counter, "Files that were followed past a rename.",
        counted.rotations);
    one(page, "truncations_total", kind::counter, "Files that became shorter.",
        counted.truncations);
    one(page, "undecodable_lines_total", kind::counter,
        "Lines that were not valid in the format of `decode`, passed on as they were.",
        counted.undecodable_lines);
    one(page, "blocking_reads_total", kind::counter,
        "Reads that waited for a disk because nothing else helped.", counted.blocking_reads);
}

/// The names that every Prometheus client library uses, which have no prefix of ours.
std::string write_process(const process_figures& process) {
    std::string out;
    const auto add = [&](std::string_view name, std::string_view type, std::string_view help,
                         const std::string& value) {
        out.append("# HELP ").append(name).append(" ").append(help);
        out.append("\n# TYPE ").append(name).append(" ").append(type);
        out.append("\n").append(name).append(" ").append(value).append("\n");
    };
    add("process_resident_memory_bytes", "gauge", "Resident memory.",
        std::to_string(process.resident_bytes));
    add("process_open_fds", "gauge", "Open descriptors.", std::to_string(process.open_descriptors));
    add("process_cpu_seconds_total", "counter", "User and system time.",
        std::to_string(process.cpu_seconds));
    return out;
}

}  // namespace

std::string write_metrics_head(const status_values& values, const process_figures& process) {
    metrics_page page;
    write_program(page, values);
    write_config(page, values.config);
    write_kafka(page, values);
    write_traffic(page, values);
    return page.take() + write_process(process);
}

/// A gauge or counter that every file has.
struct metrics_slices::family {
    std::string_view name;
    kind what;
    std::string_view help;
    void (*sample)(metrics_page&, std::initializer_list<metrics_page::label>, const file_figures&);
};

#define LOGAGENT_FILE_METRIC(member)                                          \
    [](metrics_page& page, std::initializer_list<metrics_page::label> labels, \
       const file_figures& file) { page.sample(labels, file.member); }

const metrics_slices::family metrics_slices::families[] = {
    {"file_size_bytes", kind::gauge, "Size of the file.", LOGAGENT_FILE_METRIC(size)},
    {"file_read_offset_bytes", kind::gauge, "Read up to here.", LOGAGENT_FILE_METRIC(read_offset)},
    {"file_acked_offset_bytes", kind::gauge, "Acknowledged without a hole up to here.",
     LOGAGENT_FILE_METRIC(acked_offset)},
    {"file_lag_bytes", kind::gauge, "Not acknowledged.", LOGAGENT_FILE_METRIC(lag_bytes)},
    {"file_hole_bytes", kind::gauge, "Passed over for newer lines, still to be sent.",
     LOGAGENT_FILE_METRIC(hole_bytes)},
    {"file_lines_per_second", kind::gauge, "Lines read.", LOGAGENT_FILE_METRIC(lines_per_s)},
    {"file_bytes_per_second", kind::gauge, "Bytes read.", LOGAGENT_FILE_METRIC(bytes_per_s)},
    {"file_send_rate_lines_per_second", kind::gauge, "The limit of lines; 0 = none.",
     LOGAGENT_FILE_METRIC(send_rate)},
    {"file_throttled_seconds_total", kind::counter, "Time spent waiting for a limit.",
     LOGAGENT_FILE_METRIC(throttled_seconds)},
    {"file_failed", kind::gauge, "1 while the file is refused or cannot be read.",
     [](metrics_page& page, std::initializer_list<metrics_page::label> labels,
        const file_figures& file) { page.sample(labels, flag(file.failed)); }},
};
const std::size_t metrics_slices::family_count = std::size(families);

#undef LOGAGENT_FILE_METRIC

metrics_slices::metrics_slices(std::string head, std::size_t file_count, const file_visitor& visit)
    : head_{std::move(head)}, walk_{visit, {}}, single_{file_count <= most_single_files} {}

std::string metrics_slices::next() {
    switch (step_) {
        case step::head:
            step_ = step::look;
            return std::move(head_);
        case step::look:
            return look_at_some();
        case step::sums:
            step_ = step::files;
            return write_sums();
        case step::files:
            break;
    }
    return write_some_files();
}

/// A comment, since an empty slice would end the answer.
std::string metrics_slices::look_at_some() {
    const bool more =
        walk_.next(looks_per_slice, [this](const tail::file_view& file) { look_at(file); });
    if (!more) step_ = step::sums;
    return "# " + std::to_string(seen_) + " files\n";
}

void metrics_slices::look_at(const tail::file_view& file) {
    ++seen_;
    count_state(counts_, file.state);
    auto found = topics_.find(file.topic);
    if (found == topics_.end()) found = topics_.emplace(file.topic, topic_figures{}).first;
    auto& sums = found->second;
    ++sums.files;
    sums.lag_bytes += file.lag_bytes;
    sums.lines_per_s += file.lines_per_s;
    sums.bytes_per_s += file.bytes_per_s;
    sums.throttled_seconds += file.throttled_seconds;
    if (!single_) return;
    files_.push_back({distinct_path(file), std::string{file.topic}, file.size, file.read_offset,
                      file.acked_offset, file.lag_bytes, file.hole_bytes, file.send_rate,
                      file.lines_per_s, file.bytes_per_s, file.throttled_seconds,
                      file.state == "error" || file.state == "denied"});
}

/// Two files whose names differ only in bytes that are not UTF-8 must not get equal labels:
/// Prometheus refuses a page that has one series twice.
std::string metrics_slices::distinct_path(const tail::file_view& file) {
    const std::string path =
        base::is_utf8(file.path) ? std::string{file.path} : base::visible(file.path);
    const std::string suffix = '\0' + std::string{file.topic};
    std::string out = path;
    for (std::uint64_t again = 2; !paths_.insert(out + suffix).second; ++again)
        out = path + '~' + std::to_string(again);
    return out;
}

std::string metrics_slices::write_sums() {
    metrics_page page;
    page.family("files", kind::gauge, "Files by state.");
    for (std::size_t i = 0; i < counts_.size(); ++i)
        page.sample({{"state", file_states[i]}}, counts_[i]);
    const auto sum = [&](std::string_view name, std::string_view help, auto member) {
        page.family(name, kind::gauge, help);
        for (const auto& [topic, sums] : topics_)
            page.sample({{"topic", topic}}, sums.*member);
    };
    sum("topic_files", "Files that go to the topic.", &topic_figures::files);
    sum("topic_lag_bytes", "Not acknowledged.", &topic_figures::lag_bytes);
    sum("topic_lines_per_second", "Lines read.", &topic_figures::lines_per_s);
    sum("topic_bytes_per_second", "Bytes read.", &topic_figures::bytes_per_s);
    sum("topic_throttled_seconds", "Time that its present files spent waiting for a limit.",
        &topic_figures::throttled_seconds);
    return page.take();
}

std::string metrics_slices::write_some_files() {
    if (files_.empty() || family_ == family_count) return {};
    const auto& now = families[family_];
    if (at_ == 0) page_.family(now.name, now.what, now.help);
    for (std::size_t n = 0; n < samples_per_slice && at_ < files_.size(); ++n, ++at_) {
        const auto& file = files_[at_];
        now.sample(page_, {{"path", file.path}, {"topic", file.topic}}, file);
    }
    if (at_ == files_.size()) {
        at_ = 0;
        ++family_;
    }
    return page_.take();
}

}  // namespace logagent::agent
