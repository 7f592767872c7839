#pragma once

#include <string>
#include <string_view>

namespace logagent::transfer {

/// What stands beside a committed offset: of which life of the topic it is (an offset of a topic
/// that was deleted and made anew means nothing), and what the sink keeps there.
struct commit_note {
    std::string topic_id;  // empty = unknown
    std::string sink;      // as the sink gave it
};

/// `{"v":1,"topic_id":"...","sink":"..."}`, without empty members.
std::string to_text(const commit_note& note);

/// What is no note of ours is taken as the sink's, with an unknown topic.
commit_note read_commit_note(std::string_view text);

}  // namespace logagent::transfer
