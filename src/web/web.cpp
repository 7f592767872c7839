#include "logagent/web/web.hpp"

#include <unistd.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <csignal>
#include <cstdio>

#include "control_plane.hpp"
#include "logagent/base/error.hpp"
#include "logagent/base/log.hpp"
#include "logagent/os/confinement.hpp"
#include "logagent/os/descriptor_limit.hpp"
#include "rights.hpp"
#include "turn_meter.hpp"

namespace logagent::web {

namespace {

constexpr int exit_configuration = 2;
constexpr std::chrono::milliseconds long_turn{25};

int refuse(const std::string& text) {
    std::fprintf(stderr, "logagent web: %s\n", text.c_str());
    return exit_configuration;
}

}  // namespace

int run_web(settings chosen, route_check check) {
    base::log_settings log;
    log.path = chosen.log;
    log.level = chosen.level;
    if (const auto opened = base::open_log(log); !opened) return refuse(opened.error().text);
    std::signal(SIGPIPE, SIG_IGN);
    os::raise_descriptor_limit();
    std::vector<os::confinement_layer> layers;
    if (chosen.hardening) layers = os::confine(needed_by(chosen));
    int code = 1;
    boost::asio::io_context loop{1};
    try {
        turn_meter turns;
        control_plane plane{loop.get_executor(), turns, std::move(chosen), std::move(check)};
        if (layers.empty())
            LOGAGENT_LOG(warn, "web.hardening", "hardening is off: it keeps all its rights");
        else
            LOGAGENT_LOG(info, "web.hardening", "hardening: " << os::describe(layers));
        boost::asio::co_spawn(loop, plane.run(), [&](std::exception_ptr failure, int result) {
            code = result;
            if (failure) {
                LOGAGENT_LOG(error, "web.failed", base::describe(failure));
                code = 1;
            }
            loop.stop();
        });
        while (loop.run_one() > 0) {
            const auto spent = turns.turned();
            if (spent < long_turn) continue;
            const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(spent).count();
            LOGAGENT_LOG(debug, "web.long_turn", "nothing else was done for " << ms << " ms");
        }
    } catch (const base::problem_error& problem) {
        return refuse(problem.reason().text);
    }
    base::close_log();
    return code;
}

}  // namespace logagent::web
