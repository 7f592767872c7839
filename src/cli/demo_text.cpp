#include "cli/demo_text.hpp"

#include <algorithm>
#include <cmath>

#include "cli/json_text.hpp"
#include "cli/text_table.hpp"
#include "logagent/base/escape.hpp"

namespace logagent::cli {

namespace {

std::string row(std::string_view label, std::string_view text, std::string_view command = {}) {
    std::string out =
        "  " + std::string{label} + std::string(10 - label.size(), ' ') + std::string{text};
    if (!command.empty()) out += "   " + std::string{command};
    return out + "\n";
}

std::string line_count(std::uint64_t count) {
    return std::to_string(count) + (count == 1 ? " line" : " lines");
}

struct sums {
    std::uint64_t acked = 0;
    std::uint64_t unread = 0;
    std::uint64_t lost = 0;
};

sums add_up(const demo::progress& of) {
    sums out;
    for (const auto& host : of.hosts) {
        out.acked += host.lines_acked;
        out.unread += host.unread_bytes;
        out.lost += host.lost_bytes;
    }
    return out;
}

enum : std::size_t { file_column = 2 };

text_table file_table(const demo::progress& now) {
    text_table table{{{"HOST"},
                      {"SERVICE"},
                      {"FILE"},
                      {"STATE"},
                      {"LINES/S", true},
                      {"LIMIT", true},
                      {"ACKED", true},
                      {"LAG", true}}};
    for (const auto& host : now.hosts) {
        if (!host.up || host.files.empty())
            table.add({host.name, "", "", host.up ? "no files yet" : "starting", "", "", "", ""});
        for (const auto& file : host.files)
            table.add({host.name, file.service, file.path, file.state,
                       std::to_string(std::llround(file.lines_per_s)),
                       file.send_rate ? std::to_string(file.send_rate) : "-",
                       bytes_text(static_cast<double>(file.acked_bytes)),
                       bytes_text(static_cast<double>(file.lag_bytes))});
    }
    return table;
}

}  // namespace

std::string demo_heading(const demo::place& where, const demo::options& chosen) {
    const auto directory = base::visible(where.directory, 300);
    std::string out =
        "\n" + row("open", where.page + "/#token=" + where.token) +
        row("", "and press \"Sign in\": services, hosts, plans, history") + "\n" +
        row("files", directory) +
        row("kafka", where.kafka, "kcat -C -e -b " + where.kafka + " -t payments") +
        row("etcd", where.etcd, "etcdctl --endpoints " + where.etcd + " get --prefix /logagent/") +
        row("api", where.page,
            "curl -H 'Authorization: Bearer " + where.token + "' " + where.page +
                "/api/v1/services") +
        "\n";
    if (chosen.length.count() > 0)
        return out + "  It ends by itself after " + std::to_string(chosen.length.count()) +
               " s, or by Ctrl-C, and leaves nothing.\n\n";
    return out + "  Ctrl-C ends all of it and leaves nothing.\n\n";
}

std::string demo_table(const demo::progress& now, std::size_t width) {
    auto table = file_table(now);
    if (width > 0) {
        std::size_t others = 2 * 7;
        for (std::size_t i = 0; i < 8; ++i)
            if (i != file_column) others += table.width(i);
        const auto room = std::max<std::size_t>(width > others ? width - others : 0, 12);
        for (auto& cells : table.rows())
            cells[file_column] = shorten_middle(cells[file_column], room);
    }
    const auto sum = add_up(now);
    std::string last = std::to_string(now.at.count()) + " s: " + line_count(now.written) +
                       " written, " + std::to_string(sum.acked) + " records acknowledged, " +
                       bytes_text(static_cast<double>(sum.unread)) + " wait in files, " +
                       bytes_text(static_cast<double>(sum.lost)) + " lost";
    std::string out = table.render() + "\n" + last + "\n";
    if (width == 0) return out;
    std::string cut;
    for (std::string_view rest = out; !rest.empty();) {
        const auto end = rest.find('\n');
        cut += shorten_end(rest.substr(0, end), width) + '\n';
        rest.remove_prefix(end + 1);
    }
    return cut;
}

std::string demo_verdict(const demo::result& done) {
    std::string out;
    if (done.ready) {
        const auto sum = add_up(done.last);
        out += "\n" + line_count(done.last.written) + " written, " + std::to_string(sum.acked) +
               " records acknowledged (a stack trace is one record), " +
               bytes_text(static_cast<double>(sum.lost)) + " lost";
        if (sum.unread > 0)
            out += ";\n" + bytes_text(static_cast<double>(sum.unread)) +
                   " waited in their files behind a limit";
        out += ".\n";
    }
    if (!done.failure.empty()) out += "failed: " + base::visible(done.failure, 400) + "\n";
    return out + "Nothing is left: no process, no file.\n";
}

}  // namespace logagent::cli
