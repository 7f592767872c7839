#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "logagent/os/journal_files.hpp"

namespace logagent::test {

/// A directory in memory that loses at a power cut what was not synced, and fails on request.
///
/// It outlives the program under test: after cut_power() or kill() a new journal opens the same
/// directory. Renames not synced may each be lost; of appended bytes not synced any prefix may
/// stay.
class fake_directory final : public os::journal_files {
public:
    /// Thrown by the operation at which the machine or the program ends.
    struct end_of_program {};

    /// What is going to happen: "append", "sync", "rename", ... and the name. Returns 0 to let it
    /// happen, or the errno it fails with; may throw end_of_program.
    using hook = std::function<int(const std::string& operation, const std::string& name)>;

    hook before = [](const std::string&, const std::string&) { return 0; };
    std::size_t operations = 0;  // so far
    bool takes_time = true;      // others have their turn while something is synced
    std::size_t capacity = static_cast<std::size_t>(-1);  // bytes of all files; then ENOSPC

    int create(const std::string& name, std::unique_ptr<file>& out) override {
        if (const int error = start("create", name)) return error;
        auto made = std::make_shared<content>();
        change([=](names& all) { all[name] = made; });
        out = std::make_unique<open_file>(*this, made);
        return 0;
    }

    int open(const std::string& name, std::unique_ptr<file>& out) override {
        if (const int error = start("open", name)) return error;
        const auto found = current_.find(name);
        if (found == current_.end()) return ENOENT;
        out = std::make_unique<open_file>(*this, found->second);
        return 0;
    }

    int read(const std::string& name, std::string& out) override {
        if (const int error = start("read", name)) return error;
        const auto found = current_.find(name);
        if (found == current_.end()) return ENOENT;
        out = found->second->bytes;
        return 0;
    }

    int rename(const std::string& from, const std::string& to) override {
        if (const int error = start("rename", from)) return error;
        if (!current_.contains(from)) return ENOENT;
        change([=](names& all) {
            const auto found = all.find(from);
            if (found == all.end()) return;
            auto moved = found->second;
            all.erase(found);
            all[to] = std::move(moved);
        });
        return 0;
    }

    int remove(const std::string& name) override {
        if (const int error = start("remove", name)) return error;
        if (!current_.contains(name)) return ENOENT;
        change([=](names& all) { all.erase(name); });
        return 0;
    }

    int sync_directory_now() override {
        if (const int error = start("sync_directory", "")) return error;
        durable_ = current_;
        unsynced_.clear();
        return 0;
    }

    boost::asio::awaitable<int> sync_directory() override {
        if (takes_time) co_await boost::asio::post(boost::asio::use_awaitable);
        co_return sync_directory_now();
    }

    /// The machine loses power. Of the changes of names not synced the first `renames` stay; each
    /// file keeps `tail` thousandths of what was appended since its last sync.
    void cut_power(std::size_t renames, std::size_t tail) {
        for (std::size_t i = 0; i < renames && i < unsynced_.size(); ++i)
            unsynced_[i](durable_);
        current_ = durable_;
        unsynced_.clear();
        for (auto& [name, held] : current_) {
            auto kept = held->synced;
            if (held->bytes.starts_with(kept)) {
                const auto more = (held->bytes.size() - kept.size()) * tail / 1000;
                kept = held->bytes.substr(0, kept.size() + more);
            }
            // Whoever holds the old content must not change what the next program sees.
            auto fresh = std::make_shared<content>();
            fresh->bytes = fresh->synced = kept;
            held = std::move(fresh);
        }
        durable_ = current_;
        begin_again();
    }

    /// Only the program ends: everything it handed over stays.
    void kill() { begin_again(); }

    std::size_t unsynced_names() const { return unsynced_.size(); }

    bool has(const std::string& name) const { return current_.contains(name); }
    /// For damage by hand.
    std::string& bytes(const std::string& name) { return current_.at(name)->bytes; }
    void put(const std::string& name, std::string bytes) {
        auto made = std::make_shared<content>();
        made->bytes = made->synced = std::move(bytes);
        current_[name] = durable_[name] = std::move(made);
    }
    void erase(const std::string& name) {
        current_.erase(name);
        durable_.erase(name);
    }

private:
    struct content {
        std::string bytes;
        std::string synced;
    };
    using names = std::map<std::string, std::shared_ptr<content>>;

    class open_file final : public file {
    public:
        open_file(fake_directory& owner, std::shared_ptr<content> content)
            : owner_{owner}, content_{std::move(content)} {}

        int append(std::span<const char> bytes) override {
            // A program that ends in the middle, or a disk that is full, leaves a part behind.
            const std::string_view all{bytes.data(), bytes.size()};
            try {
                if (const int error = owner_.start("append", "")) {
                    content_->bytes += all.substr(0, all.size() / 2);
                    return error;
                }
            } catch (const end_of_program&) {
                content_->bytes += all.substr(0, all.size() / 2);
                throw;
            }
            const auto room = owner_.capacity - std::min(owner_.capacity, owner_.used());
            content_->bytes += all.substr(0, room);
            return room < all.size() ? ENOSPC : 0;
        }

        int truncate(std::uint64_t size) override {
            if (const int error = owner_.start("truncate", "")) return error;
            content_->bytes.resize(size);
            return 0;
        }

        int sync_now() override {
            if (const int error = owner_.start("sync", "")) return error;
            content_->synced = content_->bytes;
            return 0;
        }

        boost::asio::awaitable<int> sync() override {
            if (owner_.takes_time) co_await boost::asio::post(boost::asio::use_awaitable);
            co_return sync_now();
        }

    private:
        fake_directory& owner_;
        std::shared_ptr<content> content_;
    };

    int start(const std::string& operation, const std::string& name) {
        ++operations;
        return before(operation, name);
    }

    void change(const std::function<void(names&)>& apply) {
        apply(current_);
        unsynced_.push_back(apply);
    }

    std::size_t used() const {
        std::size_t sum = 0;
        for (const auto& [name, held] : current_)
            sum += held->bytes.size();
        return sum;
    }

    void begin_again() {
        before = [](const std::string&, const std::string&) { return 0; };
        operations = 0;
    }

    names current_;
    names durable_;
    std::vector<std::function<void(names&)>> unsynced_;
};

}  // namespace logagent::test
