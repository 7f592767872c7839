#include "program.hpp"

#include <algorithm>
#include <ostream>

#include "host.hpp"
#include "support/packed_bytes.hpp"

namespace logagent::test {

namespace {

using namespace std::chrono_literals;
using change = os::inotify::change;

constexpr std::string_view names[] = {
    "write",       "write_many",   "write_half",   "write_blank",   "write_long",  "rotate",
    "rotate_late", "reopen",       "rotate_dated", "replace",       "recreate",    "remove",
    "truncate",    "copytruncate", "copy",         "hole",          "compress",    "turn",
    "report",      "settle",       "pass",         "pass_long",     "lose_events", "overflow",
    "start",       "stop",         "kill",         "power_cut",     "end_within",  "hold_less",
    "state_fails", "state_works",  "cluster",      "fail",          "fail_stored", "poison",
    "leader",      "topic",        "fatal",        "careful_fatal", "refuse",      "target",
    "rate",        "other_topic",  "spread",       "shape",         "live_first"};
static_assert(std::size(names) == static_cast<std::size_t>(act::count));

// The agent waits rotate_wait for a writer that has not noticed the rotation; one that takes longer
// breaks what it was promised.
constexpr auto latest_write = 4s;
constexpr int kept_rotated = 3;

/// A log and the program that writes it.
struct log_file {
    std::string path;
    truth::shape shape;
    std::size_t life = truth::none;
    std::shared_ptr<fake_disk::node> file;  // the writer's descriptor
    std::string text;                       // of the line that is half written
    std::size_t half = 0;                   // of it, so much stands in the file
    bool appends = true;
    std::uint64_t offset = 0;  // of a writer that does not append
    bool had_hole = false;
    bool late = false;  // the file was moved away, the writer does not know it yet
    tail::time_point moved_at{};
    int dates = 0;
    std::vector<std::string> dated;
};

class interpreter {
public:
    interpreter() {
        for (const auto* path : {"/l/a", "/l/b"}) {
            log_file log;
            log.path = path;
            logs.push_back(std::move(log));
            fleet::log_target target;
            target.service = "s";
            target.log_path = path;
            target.topic = "t";
            target.start = logs.size() == 1 ? fleet::start_at::start : fleet::start_at::end;
            wanted.push_back({std::move(target), true});
        }
        configure(false);
        host.broker.judge = [this](const stored_record& record) { return judge(record); };
        host.broker.stores_failed = [this](const stored_record&) { return failed_are_stored; };
    }

    void take(const step& next);
    void finish();

private:
    struct wanted_target {
        fleet::log_target target;
        bool active;
    };

    log_file& log(const step& next) { return logs[next.a % logs.size()]; }
    fleet::log_target& target(const step& next) { return wanted[next.a % wanted.size()].target; }

    void shape_log(log_file& which, fleet::log_target& of, std::size_t kind);
    void configure(bool apply = true);
    void target_changed(const std::string& path);
    void writers_before(tail::duration time);
    void reopen(log_file& which);
    kafka::error judge(const stored_record& record);
    void take_writer(const step& next);
    void take_agent(const step& next);
    void take_cluster(const step& next);
    void take_configuration(const step& next);

    void create(log_file& of);
    void put(log_file& to, std::string_view bytes);
    void write_line(log_file& to, std::size_t size, std::string_view end);
    void write_half(log_file& to, std::size_t size);
    void writable(log_file& which);
    void finalise(log_file& which);
    void move_away(log_file& which);
    void shift(log_file& which);
    void unlink(const std::string& path);
    void rename(const std::string& from, const std::string& to);
    void cut(log_file& which);
    void copy(log_file& which);
    void replace(log_file& which);
    void compress(log_file& which, bool keep);
    void poison_one(log_file& which, std::size_t from);

    model_host host;
    std::vector<log_file> logs;
    std::vector<wanted_target> wanted;
    kafka::error fail_code = kafka::error::none;
    std::size_t fail_in = 0;
    std::size_t fail_count = 0;
    bool fail_stores = false;  // failed records are in the cluster all the same
    bool failed_are_stored = false;
};

// --- the configuration

void interpreter::configure(bool apply) {
    host.targets.clear();
    for (const auto& each : wanted)
        if (each.active) host.targets.push_back(each.target);
    if (apply) host.apply();
}

void interpreter::target_changed(const std::string& path) {
    host.known.read_anew(path);
    configure();
}

void interpreter::take_configuration(const step& next) {
    auto& chosen = wanted[next.a % wanted.size()];
    const auto& path = log(next).path;
    switch (next.what) {
        case act::target:
            chosen.active = !chosen.active;
            return target_changed(path);
        case act::rate: {
            constexpr std::uint64_t rates[] = {0, 10, 50, 500};
            chosen.target.send_rate = rates[next.b % 4];
            constexpr std::uint64_t byte_rates[] = {0, 0, 300, 10'000};
            chosen.target.send_rate_bytes = byte_rates[next.b / 4 % 4];
            return configure();
        }
        case act::other_topic:
            chosen.target.topic = chosen.target.topic == "t" ? "u" : "t";
            host.known.unordered.insert(path);
            host.known.read_anew(path, true);
            return target_changed(path);
        case act::spread: {
            using fleet::partition_kind;
            auto& kind = chosen.target.partition;
            kind = kind == partition_kind::file ? partition_kind::spread : partition_kind::file;
            host.known.unordered.insert(path);
            return configure();
        }
        case act::shape:
            if (log(next).life != truth::none || host.started()) return;
            chosen.target.overload = fleet::overload_policy::block;
            shape_log(log(next), chosen.target, next.b);
            return configure(false);
        case act::live_first: {
            // A group of lines that lies over a jump is sent as two.
            const auto& target = chosen.target;
            if (target.multiline || target.decode != fleet::decode_kind::none ||
                target.charset != fleet::charset_kind::bytes)
                return;
            using fleet::overload_policy;
            auto& policy = chosen.target.overload;
            const bool live = policy == overload_policy::block;
            policy = live ? overload_policy::live_first : overload_policy::block;
            // Slow enough for a jump, mostly.
            if (live && next.b % 4 > 0) chosen.target.send_rate = 10;
            host.known.jumping.insert(path);
            return configure();
        }
        default:
            return;
    }
}

/// Before anything is written or read: which lines the log has and what is to become of them.
void interpreter::shape_log(log_file& which, fleet::log_target& of, std::size_t kind) {
    using fleet::oversize_policy;
    auto& shape = which.shape;
    shape = {};
    const std::string name = which.path.substr(0, 4);
    which.path = name;
    fleet::log_target plain;
    plain.service = of.service;
    plain.log_path = which.path;
    plain.topic = of.topic;
    plain.start = of.start;
    of = plain;
    switch (kind % 8) {
        case 1:
            shape.filtered = true;
            of.keep = {"^[0-9]*[0-8]\\."};
            of.drop = {"^[0-9]*3\\."};
            break;
        case 2:
            shape.keeps_blank = true;
            of.skip_blank = false;
            break;
        case 3:
            shape.grouped = true;
            of.multiline = fleet::multiline_rule{"^[0-9]", 5, 2000};
            break;
        case 4:
            shape.oversize = oversize_policy::truncate;
            break;
        case 5:
            shape.oversize = oversize_policy::split;
            break;
        case 6:
            shape.oversize = oversize_policy::dead_letter;
            break;
        default:
            break;
    }
    if (shape.oversize) {
        of.oversize = *shape.oversize;
        of.max_line_bytes = truth::longest_line;
    }
    if (kind / 8 % 2 == 0) return;
    which.path = name + "/x.log";
    of.log_path = name + "/*.log";
}

// --- the cluster

kafka::error interpreter::judge(const stored_record& record) {
    failed_are_stored = false;
    if (const auto error = host.topic_errors.find(record.topic); error != host.topic_errors.end())
        return error->second;
    if (record.partition >= host.partitions[record.topic]) return kafka::error::unknown_partition;
    if (!record.topic.ends_with(".dead") && host.known.is_poison(record))
        return kafka::error::message_too_large;
    if (fail_count == 0) return kafka::error::none;
    if (fail_in > 0) {
        --fail_in;
        return kafka::error::none;
    }
    --fail_count;
    failed_are_stored = fail_stores;
    return fail_code;
}

void interpreter::take_cluster(const step& next) {
    using kafka::error;
    static constexpr error codes[] = {
        error::throttling_quota_exceeded,  error::msg_timed_out,
        error::not_enough_replicas,        error::kafka_storage_error,
        error::message_too_large,          error::record_list_too_large,
        error::invalid_different_record,   error::fatal,
        error::topic_authorization_failed, error::unknown_topic_or_partition};
    static constexpr error parked[] = {error::unknown_topic_or_partition,
                                       error::topic_authorization_failed};
    switch (next.what) {
        case act::cluster:
            host.cluster_down = !host.cluster_down;
            return;
        case act::fail:
        case act::fail_stored:
            fail_code = codes[next.a % std::size(codes)];
            fail_in = next.b % 10;
            fail_count = 1 + next.b / 10 % 3;
            fail_stores = next.what == act::fail_stored;
            return;
        case act::poison:
            return poison_one(log(next), next.b);
        case act::leader: {
            const std::pair<std::string, std::int32_t> which{"t", next.a % 2};
            if (host.leaderless.erase(which) == 0) host.leaderless.insert(which);
            return;
        }
        case act::topic: {
            const std::string which = next.a % 2 == 0 ? "t" : "u";
            if (host.topic_errors.erase(which) == 0) host.topic_errors[which] = parked[next.b % 2];
            return;
        }
        case act::fatal:
            return host.abandon(false, next.b % 8);
        case act::careful_fatal:
            return host.abandon(true, next.b % 2);
        case act::refuse:
            host.broker.refuses_all = !host.broker.refuses_all;
            return;
        default:
            return;
    }
}

void interpreter::poison_one(log_file& which, std::size_t from) {
    if (which.life == truth::none) return;
    auto& lines = host.known.lives[which.life].lines;
    for (std::size_t at = 0; at < lines.size(); ++at) {
        auto& chosen = host.known.lines[lines[(at + from) % lines.size()]];
        if (chosen.blank || chosen.sent) continue;
        chosen.poison = true;
        return;
    }
}

// --- the agent

void interpreter::take_agent(const step& next) {
    switch (next.what) {
        case act::turn:
            return host.turn(next.b % 4);
        case act::report:
            return host.report(next.b % 20, next.a % 3);
        case act::settle:
            return host.settle();
        case act::pass: {
            const auto time = std::chrono::milliseconds{50 + next.b % 2000};
            writers_before(time);
            return host.pass(time);
        }
        case act::pass_long:
            writers_before(1h);
            return host.pass(std::chrono::seconds{3 + next.b % 60});
        case act::lose_events:
            return host.lose_hints(false);
        case act::overflow:
            return host.lose_hints(true);
        case act::start:
            return host.start();
        case act::stop:
            writers_before(1h);
            return host.stop();
        case act::kill:
            return host.kill(next.b % 20, next.a % 2);
        case act::power_cut:
            return host.cut_power(next.b % 7, next.b / 7 % 4, next.b % 1001);
        case act::end_within:
            return host.end_at(next.b % 12, next.a % 2 == 1);
        case act::hold_less: {
            constexpr std::uint64_t limits[] = {0, 2000, std::uint64_t{1} << 30};
            host.held_deleted_bytes = limits[next.b % 3];
            return;
        }
        case act::state_fails:
            return host.state_fails(next.a % 2 == 1);
        case act::state_works:
            return host.state_works();
        default:
            return;
    }
}

// --- writers

void interpreter::create(log_file& of) {
    host.disk.write(of.path, "");
    of.file = host.disk.at(of.path);
    of.life = host.known.born(of.path, of.file, of.shape);
    of.late = false;
    of.offset = 0;
    host.hint(change::appeared, of.path);
}

void interpreter::put(log_file& to, std::string_view bytes) {
    auto& content = to.file->content;
    if (!to.appends && to.offset > content.size()) {
        const std::string hole(to.offset - content.size(), '\0');
        host.known.lives[to.life].hole = true;
        to.appends = to.had_hole = true;
        host.known.wrote_bytes(to.life, hole);
        content += hole;
    }
    content += bytes;
    to.offset = content.size();
    to.file->modified = host.disk.now_ns;
    if (const auto name = host.disk.name_of(*to.file); !name.empty())
        host.hint(change::written, name);
}

void interpreter::writable(log_file& which) {
    if (which.late && host.now.steady - which.moved_at >= latest_write) reopen(which);
    if (!which.file) create(which);
}

void interpreter::write_line(log_file& to, std::size_t size, std::string_view end) {
    writable(to);
    std::string text = to.half > 0 ? to.text : host.known.new_text(size, to.shape);
    const std::size_t half = std::exchange(to.half, 0);
    put(to, text.substr(half) + std::string{end});
    host.known.wrote(to.life, std::move(text), end, half);
    if (to.file->links == 0 && to.file->handles == 0) host.known.lost(to.life, false);
}

void interpreter::write_half(log_file& to, std::size_t size) {
    writable(to);
    if (to.half > 0) return;
    to.text = host.known.new_text(24 + size, to.shape);
    to.half = 12 + size / 2;
    const std::string bytes = to.text.substr(0, to.half);
    put(to, bytes);
    host.known.wrote_bytes(to.life, bytes);
}

/// Nobody completes the last line any more.
void interpreter::finalise(log_file& which) {
    const std::size_t half = std::exchange(which.half, 0);
    if (half == 0) return;
    host.known.wrote(which.life, which.text.substr(0, half), "", half);
    if (which.file->links == 0 && which.file->handles == 0) host.known.lost(which.life, false);
}

void interpreter::reopen(log_file& which) {
    if (!which.late) return;
    finalise(which);
    create(which);
}

/// Writers that have not noticed a rotation do so before the agent may take the old file for final.
void interpreter::writers_before(tail::duration time) {
    for (auto& each : logs)
        if (each.late && host.now.steady + time - each.moved_at >= latest_write) reopen(each);
}

void interpreter::unlink(const std::string& path) {
    const auto file = host.disk.at(path);
    if (!file) return;
    host.disk.remove(path);
    host.hint(change::vanished, path);
    if (file->links > 0) return;
    for (std::size_t at = 0; at < host.known.lives.size(); ++at) {
        const auto& life = host.known.lives[at];
        if (life.file != file && life.packed != file) continue;
        if (life.file->handles == 0 && file->handles == 0 && life.gone())
            host.known.lost(at, false);
    }
}

void interpreter::rename(const std::string& from, const std::string& to) {
    if (!host.disk.at(from)) return;
    unlink(to);
    host.disk.rename(from, to);
    host.hint(change::vanished, from);
    host.hint(change::appeared, to);
}

void interpreter::shift(log_file& which) {
    for (const std::string ending : {"", ".gz"}) {
        const auto name = [&](int number) {
            return which.path + "." + std::to_string(number) + ending;
        };
        unlink(name(kept_rotated));
        for (int number = kept_rotated; number > 1; --number)
            rename(name(number - 1), name(number));
    }
}

void interpreter::move_away(log_file& which) {
    which.late = true;
    which.moved_at = host.now.steady;
}

/// The content goes, the file stays.
void interpreter::cut(log_file& which) {
    if (which.late || !which.file || which.file->content.empty()) return;
    auto& life = host.known.lives[which.life];
    life.truncated = true;
    host.known.lost(which.life, host.running() && which.file->handles > 0);
    which.half = 0;
    which.file->content.clear();
    which.file->modified = host.disk.now_ns;
    which.life = host.known.born(which.path, which.file, which.shape);
    if (which.appends) which.offset = 0;
    host.hint(change::written, which.path);
}

void interpreter::copy(log_file& which) {
    if (which.late || !which.file || which.file->content.empty()) return;
    shift(which);
    host.disk.write(which.path + ".1", which.file->content);
    host.known.lives[which.life].copies.push_back(
        {host.disk.at(which.path + ".1"), which.file->content.size()});
    host.hint(change::appeared, which.path + ".1");
}

void interpreter::take_writer(const step& next) {
    log_file& which = log(next);
    // More than a tick of the clock that birth times come from.
    host.disk.now_ns += 5'000'000;
    switch (next.what) {
        case act::write:
            for (int left = 1 + next.b % 4; left > 0; --left)
                write_line(which, 1 + next.b % 90, next.b % 5 == 0 ? "\r\n" : "\n");
            return;
        case act::write_many:
            for (int left = 20 + next.b % 100; left > 0; --left)
                write_line(which, next.b % 7 == 0 ? 3000 : 1 + next.b % 60, "\n");
            return;
        case act::write_half:
            return write_half(which, next.b % 100);
        case act::write_blank:
            if (which.half == 0 && which.appends) write_line(which, 0, "\n");
            return;
        case act::write_long:
            return write_line(which, next.b % 4 == 0 ? 70'000 + next.b * 50 : 500 + next.b * 6,
                              next.b % 5 == 0 ? "\r\n" : "\n");
        case act::reopen:
            return reopen(which);
        case act::hole:
            // Two lives of one inode that both begin with a thousand NULs cannot be told apart.
            which.appends = which.had_hole || !which.appends;
            return;
        case act::truncate:
            return cut(which);
        case act::copytruncate:
            if (which.late || !which.file) return;
            // The copy of a file that nobody saw yet is younger than the file, and what was seen
            // may be lost with the power.
            if (host.known.lives[which.life].generation.empty() || host.power_was_cut())
                host.known.unordered.insert(which.path);
            finalise(which);  // in the copy nobody ever completes it
            copy(which);
            return cut(which);
        case act::copy:
            // The copy of a file that nobody saw yet may be taken for an earlier one.
            if (which.life == truth::none || host.known.lives[which.life].generation.empty())
                return;
            if (which.half == 0) copy(which);
            return;
        default:
            break;
    }
    if (which.late) reopen(which);
    if (!which.file) return;
    switch (next.what) {
        case act::rotate:
        case act::rotate_late:
            shift(which);
            rename(which.path, which.path + ".1");
            move_away(which);
            break;
        case act::rotate_dated:
            which.dated.push_back(which.path + "-20261123-" + std::to_string(100 + which.dates++));
            rename(which.path, which.dated.back());
            if (which.dated.size() > kept_rotated) {
                unlink(which.dated.front());
                which.dated.erase(which.dated.begin());
            }
            move_away(which);
            break;
        case act::recreate:
        case act::remove:
            unlink(which.path);
            move_away(which);
            break;
        case act::replace:
            return replace(which);
        case act::compress:
            return compress(which, next.b % 3 == 1);
        default:
            return;
    }
    if (next.what != act::rotate_late && next.what != act::remove) reopen(which);
}

void interpreter::replace(log_file& which) {
    finalise(which);
    const std::string path = std::exchange(which.path, which.path + ".new");
    create(which);
    which.path = path;
    host.known.lives[which.life].log = path;
    write_line(which, 20, "\n");
    rename(path + ".new", path);
}

/// Of a file that nobody writes to any more. `keep`: both lie there until the next time.
void interpreter::compress(log_file& which, bool keep) {
    const std::string path = which.path + ".1";
    const auto file = host.disk.at(path);
    if (!file) return;
    if (host.disk.at(path + ".gz")) return unlink(path);
    // A copy that begins with a blank line may be sent as a generation of its own; with two of them
    // both happens.
    for (const auto& life : host.known.lives)
        for (const auto& each : life.copies)
            if (each.file == file && (life.bytes[0] == ' ' || life.bytes[0] == '\t')) keep = false;
    host.disk.write(path + ".gz", gzipped(file->content));
    // What was sent of before is looked for in there; what nobody has seen has no name to look for.
    for (auto& life : host.known.lives) {
        if (life.file == file && !life.truncated && !life.generation.empty()) {
            life.packed = host.disk.at(path + ".gz");
            life.copies.push_back({life.packed, file->content.size()});
        }
        // What copytruncate left is compressed as well.
        for (std::size_t at = 0, end = life.copies.size(); at < end; ++at)
            if (life.copies[at].file == file)
                life.copies.push_back({host.disk.at(path + ".gz"), life.copies[at].to});
    }
    host.hint(change::appeared, path + ".gz");
    if (!keep) unlink(path);
}

void interpreter::take(const step& next) {
    if (next.what <= act::compress)
        take_writer(next);
    else if (next.what <= act::state_works)
        take_agent(next);
    else if (next.what <= act::refuse)
        take_cluster(next);
    else
        take_configuration(next);
    host.check();
}

void interpreter::finish() {
    host.cluster_down = false;
    host.leaderless.clear();
    host.topic_errors.clear();
    host.broker.refuses_all = false;
    fail_count = 0;
    host.state_works();
    for (auto& each : logs)
        reopen(each);
    for (std::size_t at = 0; at < wanted.size(); ++at) {
        auto& [target, active] = wanted[at];
        target.send_rate = target.send_rate_bytes = 0;
        if (!std::exchange(active, true)) host.known.read_anew(logs[at].path);
    }
    configure();
    host.start();
    host.pass(150s);
    host.known.check_complete();
    host.check_quiet();
}

}  // namespace

std::string_view name(act what) {
    return names[static_cast<std::size_t>(what)];
}

std::ostream& operator<<(std::ostream& out, const step& shown) {
    return out << "{act::" << name(shown.what) << ", " << int{shown.a} << ", " << shown.b << "}";
}

void run(const program& steps) {
    interpreter running;
    std::size_t at = 0;
    try {
        for (; at < steps.size(); ++at)
            running.take(steps[at]);
        running.finish();
    } catch (const std::exception& failure) {
        throw broken_promise{(at < steps.size() ? "step " + std::to_string(at + 1) : "the end") +
                             std::string{": "} + failure.what()};
    }
}

}  // namespace logagent::test
