#include "logagent/checkpoint/memory_store.hpp"

#include "checkpoint/apply.hpp"

namespace logagent::checkpoint {

void memory_store::put(const generation_record& record) {
    state_.generations[record.id] = record;
}

void memory_store::put(const position_record& record) {
    state_.positions[{record.generation, record.topic}] = record;
}

void memory_store::put(const target_record& record) {
    state_.targets[{record.log_path, record.topic}] = record;
}

void memory_store::remove(const generation_id& id) {
    retire_counts(state_, id);
    erase_generation(state_, id);
}

void memory_store::note(const loss_record& loss) {
    add_loss(state_, loss);
    forget_old_losses(state_);
}

void memory_store::remove_target(const std::string& log_path, const std::string& topic) {
    state_.targets.erase({log_path, topic});
}

}  // namespace logagent::checkpoint
