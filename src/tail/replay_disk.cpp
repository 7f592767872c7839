#include "logagent/tail/replay_disk.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "logagent/base/error.hpp"
#include "logagent/tail/fingerprint.hpp"
#include "logagent/tail/line_scan.hpp"

namespace logagent::tail {

namespace {

os::file_status made_up_status(std::uint64_t size) {
    os::file_status status;
    status.kind = os::file_status::type::regular;
    status.device = 1;
    status.inode = 1;
    status.birth_time = 1;
    status.size = size;
    status.links = 1;
    return status;
}

}  // namespace

class replay_disk::view final : public os::file {
public:
    explicit view(std::shared_ptr<shared_state> of) : of_{std::move(of)} {}

    int status(os::file_status& out) const override {
        out = made_up_status(of_->end);
        return 0;
    }

    std::int64_t read(std::span<char> first, std::span<char> second, std::uint64_t offset,
                      read_mode mode) const override {
        if (!of_->broken.empty()) return -EIO;
        if (offset >= of_->end) return 0;
        const std::uint64_t left = of_->end - offset;
        first = first.first(std::min<std::uint64_t>(first.size(), left));
        second = second.first(std::min<std::uint64_t>(second.size(), left - first.size()));
        if (first.empty() && offset + second.size() <= of_->head.size()) {
            std::memcpy(second.data(), of_->head.data() + offset, second.size());
            return static_cast<std::int64_t>(second.size());
        }
        const auto got = of_->bytes->read(first, second, offset, mode);
        if (got > 0 || got == -EAGAIN || got == -EINTR) return got;
        of_->broken = got == 0          ? "was truncated while it was read, at "
                      : got == -EBADMSG ? "is damaged at "
                      : got == -ENODATA ? "ends in the middle of its packed data at "
                                        : base::describe_errno(static_cast<int>(-got)) + " at ";
        of_->broken += std::to_string(offset);
        return -EIO;
    }

    void will_need(std::uint64_t offset, std::uint64_t length) const override {
        of_->bytes->will_need(offset, length);
    }

private:
    std::shared_ptr<shared_state> of_;
};

replay_disk::replay_disk(std::string path, const os::file& bytes, std::uint64_t end)
    : path_{std::move(path)}, shared_{std::make_shared<shared_state>()} {
    shared_->bytes = &bytes;
    shared_->end = end;
    std::string head(std::min<std::uint64_t>(end, head_bytes), '\0');
    const auto have = read_whole(bytes, head, 0);
    if (have < static_cast<std::int64_t>(head.size()))
        shared_->broken = "cannot be read at " + std::to_string(std::max<std::int64_t>(have, 0));
    head.resize(static_cast<std::size_t>(std::max<std::int64_t>(have, 0)));
    shared_->head = std::move(head);
}

checkpoint::file_identity replay_disk::identity() const {
    const auto status = made_up_status(shared_->end);
    return {status.device,
            status.inode,
            status.generation,
            status.birth_time,
            static_cast<std::uint32_t>(shared_->head.size()),
            hash(shared_->head)};
}

os::disk::opened replay_disk::open(std::string_view path, bool) {
    opened out;
    out.real_path = path;
    // Once: what would be opened again is another life of the file, which nobody asked for.
    if (path != path_ || given_) {
        out.failure = {os::open_error::missing, std::string{path} + ": is not replayed again"};
        return out;
    }
    given_ = true;
    out.file = std::make_unique<view>(shared_);
    return out;
}

int replay_disk::status(std::string_view path, os::file_status& out) {
    if (path != path_) return ENOENT;
    out = made_up_status(shared_->end);
    return 0;
}

int replay_disk::list(std::string_view, std::vector<entry>& out) {
    out.clear();
    return 0;
}

bool replay_disk::allowed(std::string_view path, bool) const {
    return path == path_;
}

checkpoint::state replay_state(const replay_disk& disk, const checkpoint::generation_id& id,
                               const std::string& path, const std::string& topic,
                               checkpoint::range range, std::int32_t partition) {
    checkpoint::state state;
    checkpoint::generation_record generation;
    generation.id = id;
    generation.path = path;
    generation.identity = disk.identity();
    checkpoint::position_record position;
    position.generation = id;
    position.topic = topic;
    position.log_path = path;
    position.partition = partition;
    position.size = range.end;
    position.anchor.offset = range.begin;
    if (range.begin > 0) position.done.push_back({0, range.begin});
    position.counts[static_cast<std::size_t>(checkpoint::byte_class::skipped_at_start)] =
        range.begin;
    state.generations.emplace(id, std::move(generation));
    state.positions.emplace(checkpoint::state::position_key{id, topic}, std::move(position));
    state.targets.emplace(checkpoint::state::target_key{path, topic},
                          checkpoint::target_record{path, topic, 1});
    return state;
}

}  // namespace logagent::tail
