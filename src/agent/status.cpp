#include "logagent/agent/status.hpp"

#include "agent/status_json.hpp"
#include "agent/status_routes.hpp"

namespace logagent::agent {

struct status_pages::state {
    explicit state(status_inputs from) : inputs{std::move(from)} {
        source.values = [this] { return gather(); };
        source.files = [this](std::string_view after, std::size_t limit,
                              const std::function<void(const tail::file_view&)>& each) {
            inputs.collector->visit_files(after, limit, inputs.now(), each);
        };
        source.losses = [this]() -> const auto& {
            return inputs.collector->losses();
        };
    }

    status_values gather();
    void add_problems(status_values& out, const std::string& kafka);

    status_inputs inputs;
    status_source source;
    problem_log problems;
};

status_values status_pages::state::gather() {
    const auto& files = *inputs.collector;
    const auto kafka = inputs.kafka();
    status_values out;
    out.host = inputs.host;
    out.instance = inputs.instance;
    out.version = inputs.version;
    out.ips = inputs.ips();
    out.started_ms = inputs.started_ms;
    out.hardening = inputs.hardening;
    out.config = inputs.config();
    out.kafka_up = kafka.up;
    out.kafka_rebuilds = kafka.rebuilds;
    out.requests_per_s = inputs.requests_per_s();
    out.blocked = blocked_in(files.topics());
    out.in_flight_bytes = files.in_flight().used();
    out.in_flight_limit = files.in_flight().limit();
    out.ledger = files.sums();
    out.counted = files.counted();
    out.file_count = files.file_count();
    out.longest_stall_s = inputs.longest_stall_s();
    add_problems(out, kafka.up ? std::string{} : kafka.text);
    return out;
}

void status_pages::state::add_problems(status_values& out, const std::string& kafka) {
    const auto journal = inputs.journal_problem();
    out.journal_works = journal.empty();
    auto standing = derived_problems(out.config, kafka, journal);
    for (auto& one : inputs.collector->problems())
        standing.push_back(std::move(one));
    for (auto& one : inputs.more_problems())
        standing.push_back(std::move(one));
    out.problems = problems.update(standing, inputs.wall_ms());
}

status_pages::status_pages(status_inputs inputs)
    : state_{std::make_unique<state>(std::move(inputs))} {}
status_pages::~status_pages() = default;
status_pages::status_pages(status_pages&&) noexcept = default;
status_pages& status_pages::operator=(status_pages&&) noexcept = default;

std::vector<http::route> status_pages::routes() {
    return status_routes(state_->source);
}

std::string status_pages::summary() const {
    return write_summary(state_->gather(), state_->source.files);
}

}  // namespace logagent::agent
