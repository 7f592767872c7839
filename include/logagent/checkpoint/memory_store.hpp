#pragma once

#include "logagent/checkpoint/store.hpp"

namespace logagent::checkpoint {

/// A store that forgets everything at its end: for tests and for trying things out without a disk.
class memory_store final : public store {
public:
    memory_store() = default;
    explicit memory_store(checkpoint::state state) : state_{std::move(state)} {}

    const checkpoint::state& state() const override { return state_; }
    void put(const generation_record& record) override;
    void put(const position_record& record) override;
    void put(const target_record& record) override;
    void remove(const generation_id& id) override;
    void note(const loss_record& loss) override;
    void remove_target(const std::string& log_path, const std::string& topic) override;
    bool write() override { return true; }

private:
    checkpoint::state state_;
};

}  // namespace logagent::checkpoint
