#include "logagent/transfer/configuration.hpp"

namespace logagent::transfer {

std::string settings_reference() {
    std::string out =
        "\n## transfer.ini\n\n"
        "The dialect of agent.ini, with a section `[sink.NAME]` for each place that records go to "
        "and\n"
        "a section `[route.NAME]` for each way there; NAME has 1 to 64 of `a-z 0-9 . _ -`. A "
        "section\n"
        "that cannot be used is refused alone, and the others run. A route can also stand in etcd "
        "below\n"
        "`<prefix>_transfer/routes/` as a JSON object with the same fields. On the command line,\n"
        "`--set route.NAME.key=value` and `--set sink.NAME.key=value` win over the file.\n\n";
    out += base::render_markdown(general_rows());
    out += "\n### [sink.NAME]\n\n";
    out += base::render_markdown(sink_rows());
    out += "\n### [route.NAME]\n\n";
    out += base::render_markdown(route_rows());
    return out;
}

std::string explain(const route_settings& route, const settings& of) {
    std::string topics;
    for (const auto& one : route.topics)
        topics += (topics.empty() ? "" : ", ") + one;
    if (!route.pattern.empty()) topics = "topics like " + route.pattern;
    std::string from = "the oldest record";
    if (route.from.at == start_point::kind::latest) from = "the newest record";
    if (route.from.at == start_point::kind::time) from = "the time that `from` names";
    std::string type;
    for (const auto& one : of.sinks)
        if (one.name == route.sink) type = name(one.type);
    return "reads " + topics + " as group " + of.group_prefix + "." + route.name +
           ", which begins at " + from + " if it is new; goes to sink " + route.sink + " (" + type +
           ")";
}

}  // namespace logagent::transfer
