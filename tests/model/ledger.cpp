#include "ledger.hpp"

#include <algorithm>
#include <numeric>

#include "logagent/tail/fingerprint.hpp"

namespace logagent::test {

namespace {

using checkpoint::byte_class;

constexpr std::string_view names[] = {
    "skipped_at_start", "acked",          "blank",     "filtered", "cut",
    "dead_letter",      "truncated_away", "abandoned", "vanished", "stopped"};
static_assert(std::size(names) == checkpoint::byte_classes);

std::string_view name(byte_class kind) {
    return names[static_cast<std::size_t>(kind)];
}

bool is_loss(byte_class kind) {
    return kind == byte_class::truncated_away || kind == byte_class::abandoned ||
           kind == byte_class::vanished || kind == byte_class::stopped;
}

std::string text(const checkpoint::range& where) {
    return "bytes " + std::to_string(where.begin) + " to " + std::to_string(where.end);
}

}  // namespace

std::size_t ledger::life_of(const std::string& generation) const {
    const auto sent = known_.life_of(generation);
    if (sent != truth::none) return sent;
    const auto found = recorded_as_.find(generation);
    return found == recorded_as_.end() ? truth::none : found->second;
}

bool ledger::telling(const std::string& generation, const truth::life& in) const {
    const auto head = heads_.find(generation);
    return head != heads_.end() &&
           std::string_view{in.bytes}.substr(0, head->second).find_first_not_of("\r\n\t ") !=
               std::string_view::npos;
}

void ledger::delivered(const stored_record& record) {
    known_.delivered(record, process_);
}

/// Which life it is that nothing was sent of yet: by the inode and the head.
void ledger::put(const checkpoint::generation_record& record) {
    const auto id = record.id.text();
    const auto& identity = record.identity;
    if (!record.packed) heads_[id] = identity.head_size;
    if (record.packed || identity.head_size == 0 || known_.life_of(id) != truth::none) return;
    std::size_t fitting = truth::none;
    bool only = true;
    for (std::size_t at = 0; at < known_.lives.size(); ++at) {
        const auto& life = known_.lives[at];
        if (life.file->inode != identity.inode || life.file->born != identity.birth_time) continue;
        if (!life.generation.empty() || life.bytes.size() < identity.head_size) continue;
        const auto head = std::string_view{life.bytes}.substr(0, identity.head_size);
        if (tail::hash(head) != identity.head_hash) continue;
        only = fitting == truth::none;
        fitting = at;
    }
    if (fitting == truth::none) return;
    if (only)
        recorded_as_[id] = fitting;
    else
        recorded_as_.erase(id);
}

void ledger::seen(const std::string& generation, std::uint64_t size) {
    auto& known = sizes_[generation];
    known = std::max(known, size);
    const auto at = life_of(generation);
    if (at == truth::none) return;
    const auto& in = known_.lives[at];
    if (size > in.bytes.size() && telling(generation, in))
        throw broken_promise{"the size of " + in.log + ", life " + std::to_string(at) +
                             ", is taken for " + std::to_string(size) + " instead of " +
                             std::to_string(in.bytes.size())};
}

void ledger::put(const checkpoint::position_record& record) {
    seen(record.generation.text(), record.size);
}

/// How far the process knows of everything that it is in Kafka.
std::uint64_t ledger::known_to(std::size_t life, const claim& of,
                               const std::string& generation) const {
    const auto kept = kept_to_.find({generation, of.topic});
    std::uint64_t to = kept == kept_to_.end() ? 0 : kept->second;
    std::uint64_t together = to;  // where the lines begin that were sent with the last one
    std::uint64_t call = 0;
    const auto& in = known_.lives[life];
    for (const std::size_t index : in.lines) {
        const auto& each = known_.lines[index];
        if (each.end <= to || each.blank || each.filtered || each.left_out) continue;
        if (each.call != call) together = to;
        if (!each.known_in(of.topic, process_)) return each.call == call ? together : to;
        call = each.call;
        to = each.end;
    }
    return to;
}

void ledger::check_true(const std::string& generation, const claim& of) const {
    const auto wrong = [&](const std::string& what) {
        throw broken_promise{"the ledger has " + text(of.where) + " of generation " + generation +
                             " as " + std::string{name(of.kind)} + ", and " + what};
    };
    if (of.bytes != of.where.end - of.where.begin)
        wrong("counts " + std::to_string(of.bytes) + " bytes");
    const auto at = life_of(generation);
    if (at == truth::none) return;
    const auto& in = known_.lives[at];
    const std::string which = " (life " + std::to_string(at) + " of " + in.log + ")";
    const bool told_apart = telling(generation, in);
    if (told_apart && of.where.end > in.bytes.size())
        wrong("there were only " + std::to_string(in.bytes.size()) + which);
    const bool itself = told_apart || known_.life_of(generation) == at;
    if (const auto to = known_to(at, of, generation); itself && to > of.where.begin)
        wrong("all to " + std::to_string(to) + " was reported to be in Kafka" + which);
    if (const auto to = in.readable_to(); told_apart && to > of.where.begin)
        wrong("all to " + std::to_string(to) + " can still be read" + which);
    if (of.kind == byte_class::abandoned && !limited_)
        wrong("deleted files may hold as much as they like" + which);
}

void ledger::noted(const checkpoint::loss_record& loss) {
    const auto generation = loss.generation.text();
    const claim made{loss.topic, loss.kind, loss.where, loss.bytes};
    if (is_loss(loss.kind)) check_true(generation, made);
    claims_[generation].push_back(made);
    const auto at = life_of(generation);
    // Nobody holds these bytes any more.
    if (loss.kind != byte_class::abandoned) return;
    if (at != truth::none) return known_.lost(at, false);
    // Nothing of it was sent, and its head was not written down.
    for (std::size_t one = 0; one < known_.lives.size(); ++one) {
        const auto& in = known_.lives[one];
        if (in.log == loss.path && in.generation.empty() && in.file->links == 0)
            known_.lost(one, false);
    }
}

void ledger::check_counts(const std::string& generation, const std::string& topic,
                          const checkpoint::byte_counts& counts) const {
    checkpoint::byte_counts noted{};
    if (const auto found = claims_.find(generation); found != claims_.end())
        for (const auto& each : found->second)
            if (each.topic == topic) noted[static_cast<std::size_t>(each.kind)] += each.bytes;
    for (std::size_t at = 0; at < counts.size(); ++at) {
        const auto kind = static_cast<byte_class>(at);
        if (!is_loss(kind) && kind != byte_class::cut && kind != byte_class::dead_letter) continue;
        // A target that returns sends again what it had in flight when it was stopped, and both
        // copies are dead letters, or cut.
        const auto life = life_of(generation);
        const bool again = !is_loss(kind) && life != truth::none && known_.lives[life].stopped;
        if (again && noted[at] > counts[at]) continue;
        if (counts[at] != noted[at])
            throw broken_promise{"of generation " + generation + " in " + topic + " " +
                                 std::to_string(counts[at]) + " bytes are " +
                                 std::string{name(kind)} + ", the ledger has " +
                                 std::to_string(noted[at])};
    }
}

void ledger::forgotten(const checkpoint::position_record& last, bool wanted) const {
    const auto generation = last.generation.text();
    check_counts(generation, last.topic.str(), last.counts);
    const auto classed = std::accumulate(last.counts.begin(), last.counts.end(), std::uint64_t{0});
    if (wanted && classed != last.size)
        throw broken_promise{"generation " + generation + " is forgotten with " +
                             std::to_string(classed) + " bytes in classes and " +
                             std::to_string(last.size) + " seen"};
}

void ledger::check_finished(const checkpoint::position_record& last) const {
    const auto classed = std::accumulate(last.counts.begin(), last.counts.end(), std::uint64_t{0});
    const auto at = life_of(last.generation.text());
    if (at == truth::none || classed == last.size) return;
    const auto& in = known_.lives[at];
    // A line that is still being written waits.
    if (in.bytes.find('\n', classed) == std::string::npos) return;
    throw broken_promise{"at the end " + std::to_string(classed) + " bytes of " +
                         std::to_string(last.size) + " are in classes, of life " +
                         std::to_string(at) + " of " + in.log};
}

void ledger::process_began(const checkpoint::state& kept, bool crashed) {
    ++process_;
    limited_ = false;
    claims_.clear();
    kept_to_.clear();
    // What only a crashed process had seen is not known any more.
    if (crashed) sizes_.clear();
    heads_.clear();
    for (const auto& [id, record] : kept.generations)
        heads_[id.text()] = record.identity.head_size;
    for (const auto& [number, loss] : kept.losses)
        claims_[loss.generation.text()].push_back({loss.topic, loss.kind, loss.where, loss.bytes});
    for (const auto& [key, position] : kept.positions) {
        const auto generation = key.first.text();
        if (!position.done.empty())
            kept_to_[{generation, key.second.str()}] = position.done.front().end;
        auto& size = sizes_[generation];
        size = std::max(size, position.size);
    }
}

bool ledger::claimed(const std::string& generation, const truth::line& which) const {
    const auto found = claims_.find(generation);
    if (found == claims_.end()) return false;
    // NULs in front of a line are passed over by themselves.
    const auto& in = known_.lives[which.life];
    const auto begin =
        in.hole ? in.bytes.find_first_not_of('\0', which.begin) : std::size_t{which.begin};
    return std::any_of(found->second.begin(), found->second.end(), [&](const claim& each) {
        return is_loss(each.kind) &&
               (each.where.begin <= begin ||
                which.in_kafka.cover(which.text_begin, each.where.begin)) &&
               which.end <= each.where.end;
    });
}

void ledger::check_complete() const {
    for (const auto& [generation, size] : sizes_) {
        const auto at = life_of(generation);
        if (at == truth::none) continue;
        for (const std::size_t index : known_.lives[at].lines) {
            const auto& each = known_.lines[index];
            if (each.end > size) break;
            if (each.blank || each.filtered || each.buried || each.left_out || !each.at.empty())
                continue;
            if (!claimed(generation, each))
                throw broken_promise{"lost, and not in the ledger: " + known_.describe(each) +
                                     ", generation " + generation + ", of which " +
                                     std::to_string(size) + " bytes were seen"};
        }
    }
}

}  // namespace logagent::test
