#include "cli/man_text.hpp"

#include <algorithm>
#include <utility>

namespace logagent::cli {

namespace {

/// A dash that is a hyphen cannot be copied into a shell; a line must not begin like a request.
std::string roff(std::string_view text) {
    std::string out;
    bool at_start = true;
    for (const char c : text) {
        if (at_start && (c == '.' || c == '\'')) out += "\\&";
        if (c == '\\')
            out += "\\e";
        else if (c == '-')
            out += "\\-";
        else
            out += c;
        at_start = c == '\n';
    }
    return out;
}

std::string title(std::string_view name, std::string_view version) {
    std::string upper{name};
    std::ranges::transform(upper, upper.begin(),
                           [](char c) { return c >= 'a' && c <= 'z' ? char(c - 32) : c; });
    return ".TH " + roff(upper) + " 1 \"\" \"logagent " + std::string{version} +
           "\" \"logagent\"\n";
}

std::string paragraphs(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const auto end = std::min(text.find("\n\n"), text.size());
        out += (out.empty() ? "" : ".PP\n") + roff(text.substr(0, end)) + "\n";
        text.remove_prefix(std::min(end + 2, text.size()));
    }
    return out;
}

std::string flag_row(const flag& one) {
    std::string names{one.names};
    if (const auto comma = names.find(','); comma != names.npos)
        names = "\\fB" + roff(names.substr(0, comma)) + "\\fR, \\fB" +
                roff(names.substr(comma + 1)) + "\\fR";
    else
        names = "\\fB" + roff(names) + "\\fR";
    if (!one.value.empty()) names += " \\fI" + roff(one.value) + "\\fR";
    auto out = ".TP\n" + names + "\n" + roff(one.help) + "\n";
    if (!one.allowed.empty()) out += "Allowed: " + roff(one.allowed) + ".\n";
    return out;
}

constexpr std::pair<std::string_view, std::string_view> exit_codes[] = {
    {"0", "Done; everything read was acknowledged by Kafka."},
    {"1", "Failed while running."},
    {"2", "Wrong usage or configuration."},
    {"3", "Stopped at the deadline; what is unacknowledged is sent at the next start."},
};

std::string exit_status() {
    std::string out = ".SH EXIT STATUS\n";
    for (const auto& [code, meaning] : exit_codes)
        out += ".TP\n" + std::string{code} + "\n" + std::string{meaning} + "\n";
    return out;
}

}  // namespace

std::string overview_page(std::span<const command* const> known, std::string_view version) {
    std::string out = title("logagent", version) +
                      ".SH NAME\n"
                      "logagent \\- moves log lines from files into Kafka and loses none\n"
                      ".SH SYNOPSIS\n"
                      ".B logagent\n"
                      ".I COMMAND\n"
                      "[\\fIFLAGS\\fR]\n"
                      ".SH COMMANDS\n";
    std::string others;
    for (const auto* one : known) {
        if (one->hidden) continue;
        const auto name = roff(one->name);
        out += ".TP\n.B " + name + "\n" + roff(one->summary) + "; see \\fBlogagent\\-" + name +
               "\\fR(1)\n";
        others += (others.empty() ? "" : ",\n") + std::string{".BR logagent\\-"} + name + " (1)";
    }
    out += exit_status();
    out +=
        ".SH FILES\n"
        ".TP\n.I /etc/logagent/agent.ini\nConfiguration of the agent.\n"
        ".TP\n.I /etc/logagent/web.ini\nConfiguration of the control plane.\n"
        ".TP\n.I /var/lib/logagent\nPositions and the last good configuration.\n";
    return out + ".SH SEE ALSO\n" + others + "\n";
}

std::string command_page(const command& which, std::string_view version) {
    const auto name = "logagent-" + std::string{which.name};
    auto out = title(name, version) + ".SH NAME\n" + roff(name) + " \\- " + roff(which.summary) +
               "\n.SH SYNOPSIS\n.B logagent " + roff(which.name) + "\n" + roff(which.usage) +
               "\n.SH DESCRIPTION\n" + paragraphs(which.about) + ".SH OPTIONS\n";
    for (const auto& one : which.flags)
        out += flag_row(one);
    out += ".TP\n\\fB\\-h\\fR, \\fB\\-\\-help\\fR\nPrint the help and end.\n" + exit_status();
    if (!which.examples.empty()) out += ".SH EXAMPLES\n.nf\n" + roff(which.examples) + ".fi\n";
    return out + ".SH SEE ALSO\n.BR logagent (1)\n";
}

}  // namespace logagent::cli
