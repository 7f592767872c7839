#include "demo/observed.hpp"

#include <boost/json/value.hpp>

#include "logagent/base/escape.hpp"
#include "logagent/base/json.hpp"

namespace logagent::demo {

namespace json = boost::json;

namespace {

const json::value* member(const json::value& of, std::string_view name) {
    const auto* object = of.if_object();
    return object ? object->if_contains(name) : nullptr;
}

std::string text_of(const json::value& of, std::string_view name) {
    const auto* found = member(of, name);
    return found && found->is_string() ? base::visible(std::string_view{found->get_string()}, 400)
                                       : std::string{};
}

double number_of(const json::value& of, std::string_view name) {
    const auto* found = member(of, name);
    return found && found->is_number() ? found->to_number<double>() : 0;
}

std::uint64_t count_of(const json::value& of, std::string_view name) {
    const auto number = number_of(of, name);
    return number > 0 ? static_cast<std::uint64_t>(number) : 0;
}

file_row read_file(const json::value& from, const std::string& directory) {
    file_row out;
    out.path = text_of(from, "path");
    if (out.path.starts_with(directory + "/")) out.path.erase(0, directory.size() + 1);
    out.service = text_of(from, "service");
    out.state = text_of(from, "state");
    out.lines_per_s = number_of(from, "lines_per_s");
    out.bytes_per_s = number_of(from, "bytes_per_s");
    out.send_rate = count_of(from, "send_rate");
    out.lag_bytes = count_of(from, "lag_bytes");
    out.acked_bytes = count_of(from, "acked_offset");
    return out;
}

}  // namespace

bool read_status(std::string_view body, const std::string& directory, host_row& into) {
    base::json_limits limits;
    limits.max_bytes = 4 << 20;
    const auto document = base::parse_json(body, limits);
    if (!document || !document->is_object()) return false;
    const auto* files = member(*document, "files");
    if (!files || !files->is_array()) return false;
    into.files.clear();
    for (const auto& each : files->get_array())
        into.files.push_back(read_file(each, directory));
    if (const auto* ledger = member(*document, "ledger")) {
        into.unread_bytes = count_of(*ledger, "unread");
        into.lost_bytes = count_of(*ledger, "truncated_away") + count_of(*ledger, "abandoned") +
                          count_of(*ledger, "vanished");
        if (const auto* lines = member(*ledger, "lines"))
            into.lines_acked = count_of(*lines, "acked");
    }
    return true;
}

std::string find_token(std::string_view printed) {
    constexpr std::string_view begin = "the admin token is ";
    const auto found = printed.find(begin);
    if (found == printed.npos) return {};
    const auto rest = printed.substr(found + begin.size());
    const auto end = rest.find_first_of(" \n");
    // Half a token is as good as none: its line end comes with the rest.
    return end == rest.npos ? std::string{} : std::string{rest.substr(0, end)};
}

std::string last_line(std::string_view printed) {
    while (!printed.empty() && (printed.back() == '\n' || printed.back() == ' '))
        printed.remove_suffix(1);
    const auto before = printed.rfind('\n');
    return base::visible(before == printed.npos ? printed : printed.substr(before + 1), 300);
}

}  // namespace logagent::demo
