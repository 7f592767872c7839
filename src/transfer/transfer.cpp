#include "logagent/transfer/transfer.hpp"

#include <malloc.h>
#include <unistd.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <csignal>
#include <cstdio>
#include <optional>

#include "engine.hpp"
#include "logagent/base/error.hpp"
#include "logagent/base/log.hpp"
#include "logagent/os/confinement.hpp"
#include "logagent/os/descriptor_limit.hpp"
#include "logagent/os/state_directory.hpp"
#include "rights.hpp"
#include "sink_kinds.hpp"

namespace logagent::transfer {

namespace {

constexpr int exit_configuration = 2;

int refuse(const std::string& text) {
    std::fprintf(stderr, "logagent transfer: %s\n", text.c_str());
    return exit_configuration;
}

void tell(const std::vector<os::confinement_layer>& layers) {
    if (layers.empty())
        LOGAGENT_LOG(warn, "transfer.hardening", "hardening is off: it keeps all its rights");
    else
        LOGAGENT_LOG(info, "transfer.hardening", "hardening: " << os::describe(layers));
}

bool spools(const settings& from) {
    return std::any_of(from.sinks.begin(), from.sinks.end(),
                       [](const sink_settings& one) { return kind_of(one.type).spools; });
}

}  // namespace

int run_transfer(transfer_options options) {
    base::log_settings log;
    log.path = options.settings.log;
    log.level = options.settings.level;
    if (const auto opened = base::open_log(log); !opened) return refuse(opened.error().text);
    std::signal(SIGPIPE, SIG_IGN);
    // Memory of a record is taken by a thread of the client and given back by ours: with an arena
    // for each thread much of it stays behind.
    ::mallopt(M_ARENA_MAX, 2);
    os::raise_descriptor_limit();
    std::optional<os::state_directory> state;
    try {
        if (options.keeps_state || spools(options.settings))
            state.emplace(options.settings.state_dir);
    } catch (const std::exception& failure) {
        return refuse(failure.what());
    }
    std::vector<os::confinement_layer> layers;
    if (options.settings.hardening)
        layers = os::confine(needed_by(options, state ? state->path() : std::string{}));
    tell(layers);
    int code = 1;
    boost::asio::io_context loop{1};
    try {
        engine all{loop.get_executor(), std::move(options), state ? state->path() : std::string{}};
        boost::asio::co_spawn(loop, all.run(), [&](std::exception_ptr failure, int result) {
            code = result;
            if (failure) {
                LOGAGENT_LOG(error, "transfer.failed", base::describe(failure));
                code = 1;
            }
            loop.stop();
        });
        loop.run();
        base::close_log();
        std::fflush(nullptr);
        // The client's threads may sit in a connect; waiting for them could take seconds and would
        // change nothing: everything that counts is committed.
        _exit(code);
    } catch (const base::problem_error& problem) {
        return refuse(problem.reason().text);
    } catch (const std::runtime_error& failure) {
        return refuse(failure.what());
    }
}

}  // namespace logagent::transfer
