#pragma once

#include <functional>

#include "logagent/checkpoint/store.hpp"

namespace logagent::test {

/// The journal as the collector sees it, and everything that is told to it.
class watched_store final : public checkpoint::store {
public:
    explicit watched_store(checkpoint::store& to) : to_{to} {}

    std::function<void(const checkpoint::generation_record&)> on_generation = [](const auto&) {};
    std::function<void(const checkpoint::position_record&)> on_position = [](const auto&) {};
    /// Before it is gone.
    std::function<void(const checkpoint::generation_id&)> on_remove = [](const auto&) {};
    std::function<void(const checkpoint::loss_record&)> on_note = [](const auto&) {};

    const checkpoint::state& state() const override { return to_.state(); }
    void put(const checkpoint::generation_record& record) override {
        on_generation(record);
        to_.put(record);
    }
    void put(const checkpoint::position_record& record) override {
        on_position(record);
        to_.put(record);
    }
    void put(const checkpoint::target_record& record) override { to_.put(record); }
    void remove(const checkpoint::generation_id& id) override {
        on_remove(id);
        to_.remove(id);
    }
    void note(const checkpoint::loss_record& loss) override {
        on_note(loss);
        to_.note(loss);
    }
    void remove_target(const std::string& log_path, const std::string& topic) override {
        to_.remove_target(log_path, topic);
    }
    bool write() override { return to_.write(); }

private:
    checkpoint::store& to_;
};

}  // namespace logagent::test
