#include "dead_letters.hpp"

#include <algorithm>
#include <vector>

#include "logagent/base/escape.hpp"
#include "logagent/base/log.hpp"
#include "logagent/os/clock.hpp"
#include "logagent/tail/line_time.hpp"

namespace logagent::transfer {

namespace asio = boost::asio;
using namespace std::chrono_literals;

namespace {

constexpr auto retry_pause = 1s;

}  // namespace

std::string dead_topic_of(std::string_view topic) {
    std::string out{topic};
    if (!out.ends_with(dead_suffix)) out += dead_suffix;
    return out;
}

std::vector<std::pair<std::string_view, std::string>> headers_of(const dead_letter& letter,
                                                                 std::string_view time) {
    const auto source =
        letter.topic + "/" + std::to_string(letter.partition) + "/" + std::to_string(letter.offset);
    return {
        {"logagent.reason", letter.why.reason},
        {"logagent.text", base::visible(letter.why.text, 1000)},
        {"logagent.route", letter.route},
        {"logagent.sink", letter.sink},
        {"logagent.source", source},
        {"logagent.status", std::to_string(letter.why.status)},
        {"logagent.attempts", std::to_string(letter.why.attempts)},
        {"logagent.time", std::string{time}},
    };
}

dead_letters::dead_letters(asio::any_io_executor executor, kafka::producer& to,
                           topic_maker make_topic)
    : executor_{executor}, to_{to}, make_topic_{std::move(make_topic)}, look_{executor} {
    to_.listen(*this);
}

asio::awaitable<void> dead_letters::run() {
    for (;;) {
        if (letters_.empty())
            co_await look_.wait();
        else
            co_await look_.wait_until(std::chrono::steady_clock::now() + retry_pause);
        const auto missing = std::exchange(missing_, {});
        for (const auto& topic : missing) {
            std::string why = co_await make_topic_(topic);
            if (why.empty())
                known_.insert(topic);
            else
                tell("topic " + topic + " does not exist and cannot be made: " + why +
                     "; make it, or allow this user to");
        }
        for (auto& one : letters_)
            if (!one.out) send(one);
    }
}

void dead_letters::write(dead_letter_owner& owner, dead_letter letter) {
    char room[40];
    letters_.push_back({&owner,
                        std::move(letter),
                        std::string{tail::format_moment(os::wall_ms(), room)},
                        false,
                        {}});
    letters_.back().self = std::prev(letters_.end());
    send(letters_.back());
    look_.notify();
}

void dead_letters::forget(const dead_letter_owner& owner) {
    for (auto at = letters_.begin(); at != letters_.end();) {
        const auto current = at++;
        if (current->owner != &owner) continue;
        current->owner = nullptr;
        current->letter.memory = {};
        if (!current->out) letters_.erase(current);
    }
}

void dead_letters::send(entry& one) {
    const auto& letter = one.letter;
    kafka::record record;
    record.value = letter.has_value ? letter.value.data() : nullptr;
    record.size = static_cast<std::uint32_t>(letter.value.size());
    record.key = letter.has_key ? letter.key.data() : nullptr;
    record.key_size = static_cast<std::uint32_t>(letter.key.size());
    const auto name = dead_topic_of(letter.topic);
    if (!known_.contains(name)) {
        missing_.insert(name);  // run() looks at it when it wakes, and not at once again after that
        return;
    }
    const auto texts = headers_of(letter, one.time);
    std::vector<kafka::header> headers;
    for (const auto& [title, value] : texts)
        headers.push_back({title, value});
    const auto topic = to_.topic(name);
    one.out = true;
    const auto code = to_.produce_with_headers(topic, -1, record, headers, &one);
    if (code == kafka::error::none) return;
    one.out = false;
    trouble(one, code);
}

void dead_letters::delivered(void* batch, std::uint32_t) {
    auto& one = *static_cast<entry*>(batch);
    ++written_;
    auto* const owner = one.owner;
    if (owner) owner->buried(one.letter.in, one.letter.offset);
    letters_.erase(one.self);
    if (text_.empty()) return;
    tell({});
    if (owner) owner->unburied({});
}

void dead_letters::failed(void* batch, const char*, kafka::error code, bool) {
    auto& one = *static_cast<entry*>(batch);
    one.out = false;
    if (!one.owner) {
        letters_.erase(one.self);
        return;
    }
    trouble(one, code);
}

void dead_letters::abandoned() {
    for (auto at = letters_.begin(); at != letters_.end();) {
        const auto current = at++;
        current->out = false;
        if (!current->owner) letters_.erase(current);
    }
    look_.notify();
}

void dead_letters::trouble(entry& one, kafka::error code) {
    const auto topic = dead_topic_of(one.letter.topic);
    switch (code) {
        case kafka::error::unknown_topic:
        case kafka::error::unknown_partition:
        case kafka::error::unknown_topic_or_partition:
            known_.erase(topic);
            missing_.insert(topic);
            return;
        case kafka::error::queue_full:
            return;
        case kafka::error::message_too_large:
        case kafka::error::record_list_too_large:
            tell("a dead letter of " + std::to_string(one.letter.value.size()) +
                 " bytes is too large for topic " + topic + "; raise its max.message.bytes");
            return;
        default:
            tell("topic " + topic + ": " + kafka::text(code) + "; trying again");
    }
}

void dead_letters::tell(std::string text) {
    if (text == text_) return;
    text_ = std::move(text);
    if (text_.empty())
        LOGAGENT_LOG(info, "transfer.dead_letters", "dead letters can be written again");
    else
        LOGAGENT_LOG(warn, "transfer.dead_letters", "dead letters cannot be written: " << text_);
    std::set<dead_letter_owner*> owners;
    for (auto& one : letters_)
        if (one.owner) owners.insert(one.owner);
    for (auto* owner : owners)
        owner->unburied(text_);
}

}  // namespace logagent::transfer
