#include "change_feed.hpp"

#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "logagent/http/event_stream.hpp"

namespace logagent::web {

namespace json = boost::json;

change_feed::change_feed(live_hub& hub, std::vector<live_topic> topics,
                         std::optional<std::int64_t> last_seen, host_view show)
    : hub_{hub}, topics_{topics.begin(), topics.end()}, show_{std::move(show)} {
    if (last_seen)
        reset_ = !hub_.log_.since(*last_seen, [this](const live_change& one) { note(one); });
    hub_.feeds_.insert(this);
}

change_feed::~change_feed() {
    hub_.feeds_.erase(this);
}

void change_feed::changed(const live_change& change) {
    note(change);
    if (ready({})) tell();
}

void change_feed::note(const live_change& change) {
    if (!follows(change.topic)) return;
    if (change.topic.what != live_topic::kind::hosts) {
        objects_.insert(change.topic);
        return;
    }
    hosts_.insert(change.name);
    if (hosts_.size() <= most_hosts) return;
    dropped_ += hosts_.size();
    hosts_.clear();
}

void change_feed::reset() {
    reset_ = true;
    hosts_.clear();
    objects_.clear();
    tell();
}

bool change_feed::ready(clock::time_point) const {
    return !greeted_ || reset_ || dropped_ > 0 || !hosts_.empty() || !objects_.empty();
}

void change_feed::take(std::string& out, clock::time_point) {
    const auto id = std::to_string(hub_.log().revision());
    if (!greeted_) {
        greeted_ = true;
        json::array names;
        for (const auto& topic : topics_)
            names.emplace_back(to_text(topic));
        json::object hello;
        hello["topics"] = std::move(names);
        hello["revision"] = hub_.log().revision();
        // With an id only where nothing is left out before it.
        out += http::event_text("hello", reset_ || hosts_.empty() ? id : std::string{},
                                json::serialize(hello));
    }
    if (reset_) {
        reset_ = false;
        out +=
            http::event_text("reset", id, R"({"reason":"what you have is too old; read again"})");
    }
    if (dropped_ > 0) {
        json::object dropped;
        dropped["topic"] = "hosts";
        dropped["n"] = dropped_;
        dropped_ = 0;
        out += http::event_text("dropped", {}, json::serialize(dropped));
        out += http::event_text("reset", id, R"({"reason":"too many changes; read again"})");
    }
    take_hosts(out, id);
    for (const auto& topic : objects_) {
        json::object data;
        data["topic"] = to_text(topic);
        data["name"] = topic.name;
        const bool service = topic.what == live_topic::kind::service;
        out += http::event_text(service ? "service" : "rollout",
                                hosts_.empty() ? id : std::string{}, json::serialize(data));
    }
    objects_.clear();
}

void change_feed::take_hosts(std::string& out, const std::string& id) {
    if (hosts_.empty()) return;
    json::array items;
    json::array gone;
    for (std::size_t taken = 0; !hosts_.empty() && taken < most_hosts_at_once; ++taken) {
        const auto host = hosts_.extract(hosts_.begin());
        if (auto shown = show_(host.value()))
            items.push_back(*std::move(shown));
        else
            gone.emplace_back(host.value());
    }
    json::object data;
    data["items"] = std::move(items);
    data["gone"] = std::move(gone);
    out += http::event_text("hosts", hosts_.empty() ? id : std::string{}, json::serialize(data));
}

}  // namespace logagent::web
