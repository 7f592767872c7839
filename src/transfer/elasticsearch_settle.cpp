// What comes back: each answer is judged, and each record leaves the sink or goes again.
#include <algorithm>

#include "transfer/elasticsearch_sink.hpp"

namespace logagent::transfer {

using namespace std::chrono_literals;

namespace {

constexpr std::chrono::milliseconds first_wait = 200ms;
// What ended must be noticed within seconds, and a request now and then costs nobody anything.
constexpr std::chrono::milliseconds longest_wait = 5s;

refusal refusal_of(const bulk_failure& said, unsigned attempts) {
    refusal why;
    why.reason = said.type.empty() ? "status_" + std::to_string(said.status) : said.type;
    why.text = text_of(said);
    why.status = said.status;
    why.attempts = attempts;
    return why;
}

}  // namespace

void elasticsearch_sink::settle(request_state of, http::result<http::response> answer) {
    const auto now = std::chrono::steady_clock::now();
    ++of.what.attempts;
    if (std::exchange(of.what.waits_for_person, false)) --asking_for_person_;
    if (!answer) {
        const auto& why = answer.error();
        const bool tls = why.why == http::error::cause::tls;
        const bool late = why.why == http::error::cause::timeout;
        nodes_.failed(of.node, now);
        // One of several that is away holds nothing up.
        if (nodes_.next(now) > now) stall(why.text + "; trying again");
        return again(std::move(of.what), 0ms, tls ? "tls" : late ? "timeout" : "connection");
    }
    const auto said =
        answer->status < 300 ? bulk_failure{} : read_request_failure(answer->status, answer->body);
    if (answer->status >= 300)
        return settle_failure(std::move(of), said, http::find(answer->fields, "Retry-After"));
    const auto items = read_bulk_answer(answer->body, of.what.items.size());
    if (!items) {
        // Who knows what became of them; what was stored is there already the next time.
        nodes_.failed(of.node, now);
        stall(name_of(of.node) + " answered " + std::to_string(answer->status) + " with " +
              std::to_string(answer->body.size()) + " bytes that do not tell what became of " +
              std::to_string(of.what.items.size()) + " documents; sending them again");
        return again(std::move(of.what), wait_of(of.what.attempts), "answer");
    }
    nodes_.answered(of.node);
    settle_items(std::move(of), *items);
}

void elasticsearch_sink::settle_items(request_state of, const bulk_answer& answer) {
    pauses_ = 0;
    if (answer.all_stored) {
        pace_.taken();
        accept(std::move(of.what));
        return flowing();
    }
    batch overloaded;
    batch unavailable;
    batch blocked;
    const bulk_failure* why_blocked = nullptr;
    overloaded.attempts = unavailable.attempts = blocked.attempts = of.what.attempts;
    blocked.waits_for_person = true;
    for (std::size_t at = 0; at < of.what.items.size(); ++at) {
        item& one = of.what.items[at];
        if (!lanes_.contains(one.in)) continue;
        const bulk_failure& said = answer.items[at];
        switch (judge_item(said, how_.closed_index_is_dead)) {
            case item_verdict::there_already:
                ++figures_.duplicates;
                [[fallthrough]];
            case item_verdict::stored:
                leave(std::move(one), nullptr);
                break;
            case item_verdict::refused: {
                const refusal why = refusal_of(said, of.what.attempts);
                leave(std::move(one), &why);
                break;
            }
            case item_verdict::overloaded:
                overloaded.items.push_back(std::move(one));
                break;
            case item_verdict::unavailable:
                unavailable.items.push_back(std::move(one));
                break;
            case item_verdict::blocked:
                if (!why_blocked) why_blocked = &said;
                blocked.items.push_back(std::move(one));
                break;
        }
    }
    if (overloaded.items.empty())
        pace_.taken();
    else
        pace_.overloaded(of.sent, std::chrono::steady_clock::now(), of.bytes,
                         static_cast<std::uint32_t>(of.what.items.size()));
    if (why_blocked)
        stall(name_of(of.node) + " takes no documents for an index: " + text_of(*why_blocked) +
              "; nothing is lost, they are sent again until it does");
    // A queue was full for a moment; how much is sent meanwhile is the pace's business.
    again(std::move(overloaded), wait_of(std::min(of.what.attempts, 3U)), "rejected_items");
    again(std::move(unavailable), wait_of(of.what.attempts), "unavailable");
    again(std::move(blocked), wait_of(of.what.attempts), "blocked");
    flowing();
}

void elasticsearch_sink::settle_failure(request_state of, const bulk_failure& said,
                                        std::string_view wait_field) {
    const auto now = std::chrono::steady_clock::now();
    const auto verdict = judge_request(said.status, said.type);
    if (verdict == request_verdict::unavailable)
        nodes_.failed(of.node, now);
    else
        nodes_.answered(of.node);
    const bool alone = of.what.items.size() == 1;
    switch (verdict) {
        case request_verdict::overloaded:
            if (alone && never_fits(said.reason)) return split(std::move(of.what), said, "split");
            pace_.overloaded(of.sent, now, of.bytes,
                             static_cast<std::uint32_t>(of.what.items.size()));
            paused_until_ = now + std::max<std::chrono::milliseconds>(retry_after(wait_field),
                                                                      wait_of(++pauses_));
            return again(std::move(of.what), 0ms, "throttled");
        case request_verdict::too_large:
            pace_.too_large(of.bytes);
            return split(std::move(of.what), said, "split");
        case request_verdict::malformed:
            return split(std::move(of.what), said, "bisected");
        case request_verdict::unavailable:
            if (nodes_.next(now) > now)
                stall(name_of(of.node) + " answers " + text_of(said) + "; trying again");
            return again(std::move(of.what), 0ms, "unavailable");
        case request_verdict::denied:
            stall(name_of(of.node) + " refuses us: " + text_of(said) +
                  "; nothing is lost, correct user, password or key; trying again");
            renew_secrets();
            break;
        default:
            stall(name_of(of.node) + " takes no documents at /_bulk: " + text_of(said) +
                  "; nothing is lost, correct the url; trying again");
            break;
    }
    paused_until_ = now + wait_of(++pauses_);
    of.what.waits_for_person = true;
    again(std::move(of.what), 0ms, verdict == request_verdict::denied ? "denied" : "misplaced");
}

/// Two halves instead of one request; a record that is alone is a dead letter.
void elasticsearch_sink::split(batch what, const bulk_failure& said, const char* why) {
    if (what.items.size() == 1) {
        auto refused = refusal_of(said, what.attempts);
        if (said.type.empty() && said.status == 413) refused.reason = "too_large";
        leave(std::move(what.items.front()), &refused);
        return;
    }
    batch half;
    half.attempts = what.attempts;
    const auto middle = what.items.begin() + static_cast<std::ptrdiff_t>(what.items.size() / 2);
    half.items.assign(std::make_move_iterator(middle), std::make_move_iterator(what.items.end()));
    what.items.erase(middle, what.items.end());
    again(std::move(what), 0ms, why);
    again(std::move(half), 0ms, why);
}

void elasticsearch_sink::again(batch what, std::chrono::milliseconds wait, const char* why) {
    std::erase_if(what.items, [&](const item& one) { return !lanes_.contains(one.in); });
    if (what.items.empty()) return;
    figures_.retried[why] += what.items.size();
    what.due = std::chrono::steady_clock::now() + wait;
    outbox_.again(std::move(what));
}

void elasticsearch_sink::accept(batch done) {
    for (item& one : done.items)
        leave(std::move(one), nullptr);
}

/// The record is settled. The listener may end lanes and give new records meanwhile.
void elasticsearch_sink::leave(item done, const refusal* why) {
    const auto at = lanes_.find(done.in);
    if (at == lanes_.end()) return;
    if (--at->second.held == 0)
        for (auto& one : drains_)
            one.notify();
    if (why)
        parts_.to.refused(std::move(done), *why);
    else
        parts_.to.accepted(std::move(done));
}

/// Doubles with each attempt, with full jitter.
std::chrono::milliseconds elasticsearch_sink::wait_of(unsigned attempts) {
    const auto doubled = first_wait * (1 << std::min(attempts > 0 ? attempts - 1 : 0U, 12U));
    std::uniform_int_distribution<std::int64_t> draw{
        1, std::min<std::chrono::milliseconds>(doubled, longest_wait).count()};
    return std::chrono::milliseconds{draw(random_)};
}

std::string elasticsearch_sink::name_of(std::size_t node) const {
    return "sink '" + where_.name + "': " + nodes_.at(node).authority();
}

void elasticsearch_sink::stall(std::string text) {
    if (stalled_ == text) return;
    stalled_ = std::move(text);
    parts_.to.stalled(stalled_);
}

/// Something was taken; what still waits for a person keeps its text.
void elasticsearch_sink::flowing() {
    if (stalled_.empty() || asking_for_person_ > 0 || outbox_.waits_for_person()) return;
    stalled_.clear();
    parts_.to.stalled({});
}

}  // namespace logagent::transfer
