#include "live_hub.hpp"

#include <algorithm>

#include "change_feed.hpp"
#include "logagent/base/escape.hpp"
#include "problem.hpp"

namespace logagent::web {

namespace {

constexpr std::size_t most_topics = 20;
constexpr std::size_t longest_name = 255;

struct kind_name {
    live_topic::kind what;
    std::string_view text;
};

constexpr kind_name kinds[] = {
    {live_topic::kind::service, "service:"},
    {live_topic::kind::rollout, "rollout:"},
    {live_topic::kind::tail, "tail:"},
};

live_topic parse_topic(std::string_view text) {
    if (text == "hosts") return {};
    for (const auto& kind : kinds) {
        const auto name = text.substr(std::min(kind.text.size(), text.size()));
        if (text.starts_with(kind.text) && !name.empty() && name.size() <= longest_name)
            return {kind.what, std::string{name}};
    }
    throw refused{400, "query",
                  "topics: '" + base::visible(text, 80) +
                      "' is none; allowed: hosts, service:NAME, rollout:ID, tail:ID"};
}

refused too_many(std::string detail) {
    problem why;
    why.status = 429;
    why.code = "too_many_streams";
    why.detail = std::move(detail);
    why.fields.push_back({"Retry-After", "5"});
    return refused{std::move(why)};
}

}  // namespace

std::string to_text(const live_topic& topic) {
    for (const auto& kind : kinds)
        if (kind.what == topic.what) return std::string{kind.text} + topic.name;
    return "hosts";
}

std::vector<live_topic> parse_topics(std::string_view list) {
    std::vector<live_topic> out;
    while (!list.empty()) {
        const auto comma = std::min(list.find(','), list.size());
        auto topic = parse_topic(list.substr(0, comma));
        if (std::ranges::find(out, topic) == out.end()) out.push_back(std::move(topic));
        list.remove_prefix(std::min(comma + 1, list.size()));
    }
    if (out.empty())
        throw refused{400, "query", "topics is missing; allowed: hosts, service:NAME, ..."};
    if (out.size() > most_topics)
        throw refused{400, "query", "more than " + std::to_string(most_topics) + " topics"};
    return out;
}

void change_log::restart(std::int64_t revision) {
    changes_.clear();
    complete_from_ = std::max<std::int64_t>(revision, 1);
    newest_ = revision;
}

void change_log::add(live_change change) {
    newest_ = std::max(newest_, change.revision);
    changes_.push_back(std::move(change));
    while (changes_.size() > most) {
        complete_from_ = std::max(complete_from_, changes_.front().revision + slack);
        changes_.pop_front();
    }
}

void live_hub::restart(std::int64_t revision) {
    log_.restart(revision);
    for (auto* feed : feeds_)
        feed->reset();
}

void live_hub::changed(live_change change) {
    for (auto* feed : feeds_)
        feed->changed(change);
    log_.add(std::move(change));
}

live_hub::place::place(live_hub& of, std::string token_id)
    : of_{of}, token_id_{std::move(token_id)} {
    if (of_.streams_ >= most_streams)
        throw too_many("this process serves " + std::to_string(most_streams) +
                       " streams already; close a page");
    auto& own = of_.of_token_[token_id_];
    if (own >= most_streams_of_token)
        throw too_many("this token has " + std::to_string(most_streams_of_token) +
                       " streams open already; close a page");
    ++own;
    ++of_.streams_;
}

live_hub::place::~place() {
    --of_.streams_;
    const auto found = of_.of_token_.find(token_id_);
    if (--found->second == 0) of_.of_token_.erase(found);
}

}  // namespace logagent::web
