#include "logagent/http/event_stream.hpp"

namespace logagent::http {

namespace {

/// What `slices` holds for a stream. The connection takes the stream out of it and never calls it.
struct waited_slices {
    std::shared_ptr<event_stream> from;
    std::string operator()() const { return {}; }
};

}  // namespace

std::string event_text(std::string_view name, std::string_view id, std::string_view data) {
    std::string out;
    out.reserve(name.size() + id.size() + data.size() + 24);
    if (!id.empty()) out.append("id: ").append(id).append("\n");
    if (!name.empty()) out.append("event: ").append(name).append("\n");
    out.append("data: ").append(data).append("\n\n");
    return out;
}

response stream_of(std::shared_ptr<event_stream> stream) {
    response made;
    made.fields = {{"Content-Type", "text/event-stream"},
                   {"Cache-Control", "no-store"},
                   {"X-Accel-Buffering", "no"}};
    made.slices = waited_slices{std::move(stream)};
    return made;
}

std::shared_ptr<event_stream> find_stream(const response& answer) {
    const auto* held = answer.slices.target<waited_slices>();
    return held ? held->from : nullptr;
}

}  // namespace logagent::http
