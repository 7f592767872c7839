#include "transfer/storm_answer.hpp"

#include <boost/json/object.hpp>

#include "logagent/base/escape.hpp"
#include "logagent/base/json.hpp"

namespace logagent::transfer {

namespace {

storm_answer answer_of(storm_verdict verdict, std::string code, std::string text) {
    storm_answer made;
    made.verdict = verdict;
    made.code = std::move(code);
    made.text = std::move(text);
    return made;
}

std::string_view trimmed(std::string_view text) {
    constexpr std::string_view blanks = " \t\r\n";
    const auto first = text.find_first_not_of(blanks);
    if (first == text.npos) return {};
    return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

bool acknowledges(std::string_view body, std::size_t records) {
    const auto said = trimmed(body);
    if (said.empty() || said == "OK") return true;
    const auto parsed = base::parse_json(said);
    if (!parsed || !parsed->is_object()) return false;
    const base::json_field all{*parsed};
    const auto acked = all.at("acked");
    if (!acked) return false;
    const auto number = acked->unsigned_integer();
    return number && *number == records;
}

/// "FAILED_REQUEST: Request failed" of Storm 2's JSON; empty for another body.
std::string error_in(const std::string& body) {
    const auto parsed = base::parse_json(body);
    if (!parsed || !parsed->is_object()) return {};
    const base::json_field all{*parsed};
    std::string text;
    for (const auto* name : {"error", "errorMessage"}) {
        const auto field = all.at(name);
        if (!field || !field->text()) continue;
        if (!text.empty()) text += ": ";
        text += *field->text();
    }
    return base::visible(text, 300);
}

}  // namespace

storm_answer read_storm_answer(const http::response& answer, std::size_t records) {
    const std::string error = error_in(answer.body);
    const std::string text =
        "HTTP " + std::to_string(answer.status) + (error.empty() ? "" : " " + error);
    switch (answer.status) {
        case 200:
            if (acknowledges(answer.body, records))
                return answer_of(storm_verdict::accepted, {}, {});
            return answer_of(
                storm_verdict::failed, "not_acknowledged",
                "the topology answered \"" + base::visible(answer.body, 100) +
                    "\" instead of nothing, OK or {\"acked\":" + std::to_string(records) + "}");
        case 400:
            return answer_of(storm_verdict::failed, "failed_request", text);
        case 401:
        case 403:
            return answer_of(storm_verdict::unauthorized, "unauthorized", text);
        case 404:
            return answer_of(storm_verdict::unauthorized, "not_drpc",
                             text + ": is this the HTTP port of a DRPC server?");
        case 500:
            return answer_of(storm_verdict::unclear, "server", text);
        case 504:
            return answer_of(storm_verdict::unclear, "timeout", text);
        default:
            return answer_of(storm_verdict::passing, "server", text);
    }
}

storm_answer read_storm_failure(const http::error& failure) {
    if (failure.why == http::error::cause::timeout)
        return answer_of(storm_verdict::unclear, "timeout", failure.text);
    return answer_of(storm_verdict::passing, "connection", failure.text);
}

}  // namespace logagent::transfer
