#include "start_plan.hpp"

namespace logagent::transfer {

partition_start choose_start(const partition_facts& known, const start_point& from) {
    partition_start out;
    out.newest = known.newest;
    const bool other_life = !known.note.topic_id.empty() && !known.topic_id.empty() &&
                            known.note.topic_id != known.topic_id;
    if (known.committed >= 0 && !other_life) {
        out.sink_note = known.note.sink;
        out.next = known.committed;
        if (known.committed < known.oldest) {
            out.lost = static_cast<std::uint64_t>(known.oldest - known.committed);
            out.next = known.oldest;
        }
        return out;
    }
    out.topic_made_anew = known.committed >= 0;
    out.next = known.oldest;
    // Of a topic that the group reads already, a partition without a commit is one that was added,
    // and a topic that was made anew is new as a whole: nothing of them may be passed over.
    if (from.at == start_point::kind::earliest || known.group_knows_topic || out.topic_made_anew)
        return out;
    out.chosen = true;
    out.next = known.newest;
    if (from.at == start_point::kind::time && known.at_time >= 0) out.next = known.at_time;
    return out;
}

}  // namespace logagent::transfer
