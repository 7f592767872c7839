#include "cli/ctl_call.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>

#include "cli/json_text.hpp"
#include "logagent/base/bytes.hpp"
#include "logagent/base/escape.hpp"

namespace logagent::cli {

namespace {

constexpr ctl_verb verbs[] = {
    {"services", "list", "", "all services, how many hosts have applied each"},
    {"services", "get", "NAME", "one definition"},
    {"services", "status", "NAME", "who has applied it, who has not, and why"},
    {"services", "apply", "-f FILE", "create or change services: one definition, or a list"},
    {"services", "diff", "NAME [FROM [TO]]", "what two revisions differ in (the last two)"},
    {"services", "history", "NAME", "its revisions"},
    {"services", "rollback", "NAME REVISION", "the old definition as a new revision"},
    {"services", "delete", "NAME", "remove it: its hosts stop collecting"},
    {"hosts", "list", "[WORD...]", "hosts, those that fit the words"},
    {"hosts", "get", "HOST", "one host"},
    {"hosts", "label", "HOST KEY=VALUE...", "set labels; KEY= removes one"},
    {"hosts", "forget", "HOST", "take one that is gone out of the inventory"},
    {"rollout", "list", "", "rollouts, newest first"},
    {"rollout", "get", "ID", "one rollout"},
    {"rollout", "hosts", "ID", "how each host of it stands"},
    {"rollout", "start", "-f FILE", "roll a definition out, stage by stage"},
    {"rollout", "pause", "ID", ""},
    {"rollout", "resume", "ID", ""},
    {"rollout", "promote", "ID", "the next stage now"},
    {"rollout", "abort", "ID", "back to the old definition"},
    {"replay", "list", "", "replays, newest first"},
    {"replay", "get", "ID", "one replay"},
    {"replay", "start", "-f FILE",
     "send a part of a log again: {\"host\",\"path\",\"last\",\"topic\"}"},
    {"replay", "cancel", "ID", ""},
    {"routes", "list", "[WORD...]", "routes of transfer: how far each is, and who runs it"},
    {"routes", "get", "NAME", "one route, with its processes and partitions"},
    {"routes", "apply", "-f FILE", "create or change a route: {\"name\",\"topics\",\"sink\",...}"},
    {"routes", "delete", "NAME", "remove it: it drains and stops"},
    {"routes", "processes", "", "processes of transfer, and the sinks they have"},
    {"tokens", "list", "", "tokens; never the secrets"},
    {"tokens", "create", "NAME ROLE [GLOB...]", "prints the token, once"},
    {"tokens", "delete", "ID", ""},
    {"tail", "", "[KEY=VALUE...]", "lines as they come: service= host= path= q= re="},
    {"drift", "", "", "keys that are not what would be written"},
    {"audit", "", "[WORD...]", "who changed what, newest first"},
    {"export", "", "", "all services and labels, for import"},
    {"import", "", "-f FILE", "what export printed"},
    {"whoami", "", "", "whom the token belongs to"},
};

std::string encoded(std::string_view text) {
    static constexpr char digits[] = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                           (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' || c == '~';
        const auto byte = static_cast<unsigned char>(c);
        if (plain)
            out += c;
        else
            out += {'%', digits[byte >> 4], digits[byte & 15]};
    }
    return out;
}

[[noreturn]] void misused(const ctl_verb& which) {
    std::string text{which.noun};
    if (!which.verb.empty()) text += " " + std::string{which.verb};
    throw usage_error{"expected: " + text + " " + std::string{which.words}};
}

/// Builds the call for one row of the table.
class caller {
public:
    caller(const ctl_verb& which, std::span<const std::string> words, const arguments& given,
           const std::optional<json::value>& file)
        : which_{which}, words_{words}, given_{given}, file_{file} {}

    ctl_call make() {
        if (which_.noun == "services") services();
        if (which_.noun == "hosts") hosts();
        if (which_.noun == "rollout") rollouts();
        if (which_.noun == "replay") replays();
        if (which_.noun == "routes") routes();
        if (which_.noun == "tokens") tokens();
        if (which_.verb.empty()) single();
        out_.table = table();
        return std::move(out_);
    }

private:
    void count(std::size_t least, std::size_t most) const {
        if (words_.size() < least || words_.size() > most) misused(which_);
    }

    const json::value& file() const {
        if (!file_) throw usage_error{"-f FILE is needed; - reads standard input"};
        return *file_;
    }

    /// `/services/NAME` and what stands behind it.
    std::string at(std::string_view collection, std::string_view behind = "") {
        return "/" + std::string{collection} + "/" + encoded(words_[0]) + std::string{behind};
    }

    void list(std::string path) {
        out_.path = std::move(path);
        out_.follow_pages = true;
    }

    void post(std::string path, json::object body = {}) {
        out_.method = "POST";
        out_.path = std::move(path);
        out_.body = std::move(body);
        out_.changes = true;
    }

    void remove(std::string path) {
        out_.method = "DELETE";
        out_.path = std::move(path);
        out_.changes = true;
    }

    void services() {
        const auto verb = which_.verb;
        if (verb == "list") return count(0, 0), list("/services?limit=500");
        if (verb == "apply") return count(0, 0), apply();
        count(1, verb == "diff" ? 3 : verb == "rollback" ? 2 : 1);
        if (verb == "get") out_.path = at("services");
        if (verb == "status") out_.path = at("services", "/status");
        if (verb == "history") out_.path = at("services", "/revisions");
        if (verb == "diff") {
            out_.path = at("services", "/diff");
            if (words_.size() > 1) out_.path += "?from=" + encoded(words_[1]);
            if (words_.size() > 2) out_.path += "&to=" + encoded(words_[2]);
        }
        if (verb == "rollback") {
            count(2, 2);
            const auto number = base::parse_unsigned(words_[1]);
            if (!number) misused(which_);
            json::object body;
            body["revision"] = *number;
            post(at("services", ":rollback"), std::move(body));
        }
        if (verb == "delete") {
            remove(at("services"));
            out_.precondition_of = out_.path;
        }
    }

    /// One definition is put; several are planned and applied in one step.
    void apply() {
        auto document = file();
        const auto* members = document.if_object();
        const auto* several = members ? members->if_contains("services") : nullptr;
        if (several && several->is_array()) document = *several;
        if (document.is_array() && document.get_array().size() == 1)
            document = json::value(document.get_array().front());
        if (document.is_array()) {
            json::object body;
            body["services"] = document;
            post("/services:plan", std::move(body));
            out_.plan_first = true;
            return;
        }
        const auto name = text_of(document, "name");
        if (name.empty()) throw usage_error{"-f: the definition has no name"};
        out_.method = "PUT";
        out_.path = "/services/" + encoded(name);
        out_.body = std::move(document);
        out_.changes = true;
        out_.precondition_of = out_.path;
    }

    void hosts() {
        const auto verb = which_.verb;
        if (verb == "list") return list("/hosts?limit=500" + searched());
        count(1, verb == "label" ? 100 : 1);
        if (verb == "get") out_.path = at("hosts");
        if (verb == "forget") post(at("hosts", ":forget"));
        if (verb != "label") return;
        count(2, 100);
        json::object labels;
        for (const auto& word : words_.subspan(1)) {
            const auto equals = word.find('=');
            if (equals == word.npos || equals == 0) misused(which_);
            auto value = word.substr(equals + 1);
            labels[word.substr(0, equals)] =
                value.empty() ? json::value(nullptr) : json::value(std::move(value));
        }
        json::object body;
        body["labels"] = std::move(labels);
        post(at("hosts", "/labels"), std::move(body));
        out_.method = "PATCH";
    }

    void rollouts() {
        const auto verb = which_.verb;
        if (verb == "list") return count(0, 0), list("/rollouts?limit=500");
        if (verb == "start") return count(0, 0), start_rollout();
        count(1, 1);
        if (verb == "get")
            out_.path = at("rollouts");
        else if (verb == "hosts")
            list(at("rollouts", "/hosts?limit=500"));
        else
            post(at("rollouts", ":" + std::string{verb}));
    }

    /// The file is a definition, or a whole question {"service","stages","bake_s",...}.
    void start_rollout() {
        const auto& document = file();
        const auto* members = document.if_object();
        if (!members) throw usage_error{"-f: expected a definition of a service"};
        json::object body = *members;
        if (!members->if_contains("service")) {
            body.clear();
            body["service"] = document;
        }
        const auto name = text_of(body.at("service"), "name");
        post("/rollouts", std::move(body));
        if (!name.empty()) out_.precondition_of = "/services/" + encoded(name);
    }

    void replays() {
        const auto verb = which_.verb;
        if (verb == "list") return count(0, 0), list("/replays?limit=500");
        if (verb == "start") {
            count(0, 0);
            const auto* members = file().if_object();
            if (!members)
                throw usage_error{
                    "-f: expected an object such as {\"host\",\"path\",\"last\",\"topic\"}"};
            return post("/replays", *members);
        }
        count(1, 1);
        if (verb == "get") out_.path = at("replays");
        if (verb == "cancel") post(at("replays", ":cancel"));
    }

    void routes() {
        const auto verb = which_.verb;
        if (verb == "list") return list("/transfer/routes?limit=500" + searched());
        if (verb == "processes") return count(0, 0), list("/transfer/processes?limit=500");
        if (verb == "apply") return count(0, 0), apply_route();
        count(1, 1);
        if (verb == "get") out_.path = at("transfer/routes");
        if (verb != "delete") return;
        remove(at("transfer/routes"));
        out_.precondition_of = out_.path;
    }

    /// The file is a definition with its name, or what `routes get` printed.
    void apply_route() {
        auto document = file();
        const auto name = text_of(document, "name");
        if (name.empty()) throw usage_error{"-f: the route has no name"};
        const auto* shown = member(&document, "document");
        if (shown && shown->is_object()) document = json::value(*shown);
        out_.method = "PUT";
        out_.path = "/transfer/routes/" + encoded(name);
        out_.body = std::move(document);
        out_.changes = true;
        out_.precondition_of = out_.path;
    }

    /// "&q=..." of the words; empty without any.
    std::string searched() const {
        std::string query;
        for (const auto& word : words_)
            query += (query.empty() ? "" : " ") + word;
        return query.empty() ? query : "&q=" + encoded(query);
    }

    void tokens() {
        const auto verb = which_.verb;
        if (verb == "list") return count(0, 0), list("/tokens?limit=500");
        if (verb == "delete") return count(1, 1), remove(at("tokens"));
        count(2, 100);
        json::object body;
        body["name"] = words_[0];
        body["role"] = words_[1];
        json::array globs;
        for (const auto& glob : words_.subspan(2))
            globs.emplace_back(glob);
        if (globs.empty()) globs.emplace_back("*");
        body["services"] = std::move(globs);
        post("/tokens", std::move(body));
    }

    void single() {
        const auto noun = which_.noun;
        if (noun == "tail") return tail();
        if (noun == "audit") {
            out_.path = "/audit?limit=50" + searched();
            return;
        }
        count(0, 0);
        out_.path = "/" + std::string{noun};
        if (noun != "import") return;
        const auto* members = file().if_object();
        if (!members) throw usage_error{"-f: expected what export printed"};
        post("/import", *members);
    }

    void tail() {
        out_.path = "/tail";
        out_.stream = true;
        for (const auto& word : words_) {
            const auto equals = word.find('=');
            if (equals == word.npos) misused(which_);
            out_.path += (out_.path.find('?') == out_.path.npos ? "?" : "&") +
                         encoded(word.substr(0, equals)) + "=" + encoded(word.substr(equals + 1));
        }
    }

    std::string_view table() const {
        if (given_.value_or("--output", "table") == "json") return "";
        if (which_.verb == "list") return which_.noun;
        if (which_.noun == "routes" && which_.verb == "processes") return "processes";
        if (which_.noun == "rollout" && which_.verb == "hosts") return "rollout hosts";
        if (which_.noun == "services" && which_.verb == "history") return "history";
        if (which_.noun == "drift" || which_.noun == "audit" || which_.noun == "import")
            return which_.noun;
        return "";
    }

    const ctl_verb& which_;
    std::span<const std::string> words_;
    const arguments& given_;
    const std::optional<json::value>& file_;
    ctl_call out_;
};

const ctl_verb& find_verb(std::span<const std::string> words, std::size_t& used) {
    if (words.empty()) throw usage_error{"say what to do; see logagent ctl --help"};
    std::vector<std::string_view> nouns;
    std::vector<std::string_view> known;
    for (const auto& one : verbs) {
        if (std::ranges::find(nouns, one.noun) == nouns.end()) nouns.push_back(one.noun);
        if (one.noun != words[0]) continue;
        known.push_back(one.verb);
        const bool wanted =
            one.verb.empty() || (words.size() > 1 ? one.verb == words[1] : one.verb == "list");
        if (!wanted) continue;
        used = std::min<std::size_t>(one.verb.empty() ? 1 : 2, words.size());
        return one;
    }
    const auto& word = known.empty() || words.size() < 2 ? words[0] : words[1];
    throw usage_error{base::visible(word, 60) + ": there is no such thing to do" +
                      spelling_hint(known.empty() ? nouns : known, word) +
                      "; see logagent ctl --help"};
}

}  // namespace

std::span<const ctl_verb> ctl_verbs() {
    return verbs;
}

ctl_call read_call(std::span<const std::string> words, const arguments& given,
                   const std::optional<json::value>& file) {
    std::size_t used = 0;
    const auto& which = find_verb(words, used);
    return caller{which, words.subspan(used), given, file}.make();
}

}  // namespace logagent::cli
