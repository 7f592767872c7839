#include "logagent/agent/agent.hpp"

#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <csignal>
#include <cstdio>

#include "agent_loops.hpp"
#include "instance.hpp"
#include "logagent/base/error.hpp"
#include "logagent/base/log.hpp"
#include "logagent/checkpoint/journal.hpp"
#include "logagent/os/confinement.hpp"
#include "logagent/os/descriptor_limit.hpp"
#include "logagent/os/machine_id.hpp"
#include "logagent/os/state_directory.hpp"
#include "rights.hpp"

namespace logagent::agent {

namespace {

constexpr int exit_configuration = 2;

int refuse(const std::string& text) {
    std::fprintf(stderr, "logagent agent: %s\n", text.c_str());
    return exit_configuration;
}

void tell(const std::vector<os::confinement_layer>& layers) {
    if (layers.empty())
        LOGAGENT_LOG(warn, "agent.hardening", "hardening is off: the process keeps all its rights");
    else
        LOGAGENT_LOG(info, "agent.hardening", "hardening: " << os::describe(layers));
}

}  // namespace

int run_agent(agent_options options) {
    base::log_settings log;
    log.path = options.settings.log;
    log.level = options.settings.level;
    if (const auto opened = base::open_log(log); !opened) return refuse(opened.error().text);
    std::signal(SIGPIPE, SIG_IGN);
    os::raise_descriptor_limit();
    for (const auto& note : options.notes)
        LOGAGENT_LOG(warn, "agent.note", note);

    std::optional<os::state_directory> state;
    instance self{random_instance_id(), false};
    try {
        // Trying things out keeps nothing, unless somebody says where.
        if (!options.to_stdout || options.settings.has("state_dir")) {
            state.emplace(options.settings.state_dir);
            self = load_instance(state->path(), os::machine_id());
        }
    } catch (const std::exception& failure) {
        return refuse(failure.what());
    }

    const auto state_dir = state ? state->path() : std::string{};
    // Before the first thread of librdkafka, so that it holds for all of them.
    std::vector<os::confinement_layer> layers;
    if (options.settings.hardening) layers = os::confine(needed_by(options, state_dir));
    int code = 1;
    boost::asio::io_context loop{1};
    try {
        agent_loops agent{loop.get_executor(), std::move(options), state_dir, std::move(self),
                          layers};
        tell(layers);  // what cannot start says only why
        boost::asio::co_spawn(loop, agent.run(), [&](std::exception_ptr failure, int result) {
            code = result;
            if (failure) {
                LOGAGENT_LOG(error, "agent.failed", base::describe(failure));
                code = 1;
            }
            loop.stop();
        });
        loop.run();
        base::close_log();
        std::fflush(nullptr);
        // The client's threads may sit in a connect; waiting for them could take seconds and would
        // change nothing: everything that counts is saved.
        _exit(code);
    } catch (const checkpoint::unusable_state& unusable) {
        return refuse(unusable.what());
    } catch (const base::problem_error& problem) {
        return refuse(problem.reason().text);
    }
}

}  // namespace logagent::agent
