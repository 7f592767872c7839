#include "checkpoint/snapshot.hpp"

#include <cstring>

namespace logagent::checkpoint {

namespace {

/// Adds records behind `last` until `room` is used up.
template <class Map, class Key>
void add_some(const Map& map, std::optional<Key>& last, std::size_t& room, frame_writer& out) {
    auto next = last ? map.upper_bound(*last) : map.begin();
    auto latest = map.end();
    for (; room > 0 && next != map.end(); ++next, --room) {
        out.add(next->second);
        latest = next;
    }
    if (latest != map.end()) last = latest->first;
}

std::uint64_t random_seed() {
    const auto id = generation_id::random();
    std::uint64_t out = 0;
    std::memcpy(&out, id.bits.data(), sizeof out);
    return out;
}

}  // namespace

int journal_file::append(frame_writer&& frame) {
    const auto bytes = std::move(frame).finish(seed, frames);
    if (const int error = file->append(bytes)) return error;
    ++frames;
    size += bytes.size();
    return 0;
}

int snapshot::begin(os::journal_files& files, const std::string& name, const std::string& writer) {
    if (const int error = files.create(name, file_.file)) return error;
    file_.seed = random_seed();
    file_.size = header_size;
    header header;
    header.seed = file_.seed;
    header.writer = writer;
    return file_.file->append(encode(header));
}

int snapshot::step(const state& state, std::size_t limit, std::int64_t now_ms, bool& more) {
    frame_writer frame{now_ms};
    std::size_t room = limit;
    add_some(state.generations, generation_, room, frame);
    add_some(state.positions, position_, room, frame);
    add_some(state.targets, target_, room, frame);
    add_some(state.losses, loss_, room, frame);
    more = room == 0;
    return room == limit ? 0 : file_.append(std::move(frame));
}

int snapshot::end(const changes& since, const state& state, std::int64_t now_ms) {
    frame_writer frame{now_ms};
    since.encode(frame, state.retired);
    frame.add_totals(state.retired);
    frame.add_snapshot_end();
    const int error = file_.append(std::move(frame));
    file_.snapshot_size = file_.size;
    return error;
}

}  // namespace logagent::checkpoint
