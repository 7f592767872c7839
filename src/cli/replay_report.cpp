#include "cli/replay_report.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>

#include "cli/replay_text.hpp"
#include "logagent/agent/replay_lines.hpp"
#include "logagent/base/escape.hpp"

namespace logagent::cli {

namespace {

using agent::replay_line;

/// The last line of the terminal while it runs.
class progress_line {
public:
    progress_line() : terminal_{::isatty(STDERR_FILENO) == 1} {}

    void draw(const agent::replay& which, double seconds) {
        if (!terminal_) return;
        ::winsize size{};
        const bool known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20;
        const std::size_t width = known ? size.ws_col - 1u : 79;
        const auto line = replay_bar(which.progress(), which.job().plan.bytes, seconds,
                                     which.waiting_for(), width);
        std::fprintf(stderr, "\r\x1b[K%s", line.c_str());
        std::fflush(stderr);
        drawn_ = true;
    }
    void end() {
        if (drawn_) std::fprintf(stderr, "\n");
    }

private:
    bool terminal_;
    bool drawn_ = false;
};

class for_people final : public replay_report {
public:
    explicit for_people(streams to) : to_{to} {}

    void planned(const agent::replay_job& job, const std::string& origin, std::uint64_t lines,
                 const std::vector<std::string>& notes) override {
        to_.out << replay_plan_text(job, origin, lines, notes);
        to_.out.flush();
    }
    void running(const agent::replay& which, double seconds) override {
        line_.draw(which, seconds);
    }
    void waits(const std::string& why) override { to_.err << base::visible(why, 600) << '\n'; }
    void ended(const agent::replay& which, outcome how, double seconds) override {
        line_.draw(which, seconds);
        line_.end();
        to_.out << replay_result_text(which, how, seconds);
    }
    void ended_without_sending() override {}
    void failed(const std::string&, const std::string& text) override {
        line_.end();
        to_.err << "logagent replay: " << text << '\n';
    }

private:
    streams to_;
    progress_line line_;
};

class as_lines final : public replay_report {
public:
    explicit as_lines(std::ostream& out) : out_{out} {}

    void planned(const agent::replay_job& job, const std::string&, std::uint64_t lines,
                 const std::vector<std::string>& notes) override {
        const auto& parts = job.plan.parts;
        replay_line line;
        line.state = replay_line::kind::planned;
        line.topic = job.target.topic;
        line.bytes = job.plan.bytes;
        line.lines = lines;
        for (const auto* list : {&job.plan.notes, &notes})
            for (const auto& note : *list)
                if (line.notes.size() < most_notes) line.notes.push_back(base::visible(note, 600));
        if (!parts.empty()) {
            line.end = {*parts.back().file.id, parts.back().ranges.back().end};
            begin_ = {*parts.front().file.id, parts.front().ranges.front().begin};
        }
        write(line);
    }
    void running(const agent::replay& which, double) override {
        replay_line line = so_far(which);
        line.waits_for = base::visible(which.waiting_for(), 600);
        write(line);
    }
    void waits(const std::string& why) override {
        replay_line line;
        line.at = begin_;
        line.waits_for = base::visible(why, 600);
        write(line);
    }
    void ended(const agent::replay& which, outcome how, double) override {
        replay_line line = so_far(which);
        line.state = replay_line::kind::stopped;
        if (how == outcome::done) line.state = replay_line::kind::done;
        if (how == outcome::failed) {
            line.state = replay_line::kind::failed;
            line.code = "failed";
            line.text = base::visible(which.failure(), 1000);
        }
        write(line);
    }
    void ended_without_sending() override {
        replay_line line;
        line.state = replay_line::kind::done;
        line.at = begin_;
        write(line);
    }
    void failed(const std::string& code, const std::string& text) override {
        replay_line line;
        line.state = replay_line::kind::failed;
        line.code = code;
        line.text = base::visible(text, 1000);
        write(line);
    }

private:
    static constexpr std::size_t most_notes = 20;

    static replay_line so_far(const agent::replay& which) {
        const auto now = which.progress();
        const auto& parts = which.job().plan.parts;
        replay_line line;
        line.figures = {now.bytes, now.records, now.refused_letters, now.counts};
        if (now.part < parts.size()) {
            const auto& part = parts[now.part];
            line.at = {*part.file.id, std::max(now.offset, part.ranges.front().begin)};
        } else if (!parts.empty()) {
            line.at = {*parts.back().file.id, parts.back().ranges.back().end};
        }
        return line;
    }

    void write(const replay_line& line) {
        out_ << agent::write_replay_line(line) << std::endl;
        if (!out_) std::raise(SIGTERM);  // nobody follows it any more
    }

    std::ostream& out_;
    std::optional<tail::replay_point> begin_;
};

}  // namespace

std::unique_ptr<replay_report> replay_report_for_people(streams to) {
    return std::make_unique<for_people>(to);
}

std::unique_ptr<replay_report> replay_report_as_lines(std::ostream& out) {
    return std::make_unique<as_lines>(out);
}

}  // namespace logagent::cli
