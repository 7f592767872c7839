#include "logagent/demo/demo.hpp"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <csignal>

#include "demo/stage.hpp"
#include "logagent/base/error.hpp"
#include "logagent/os/scratch_directory.hpp"

namespace logagent::demo {

namespace asio = boost::asio;

result run(const options& chosen, observer& seen) {
    asio::io_context loop{1};
    // Before the directory and after it: a signal in between would leave it behind.
    asio::signal_set signals{loop, SIGINT, SIGTERM};
    signals.add(SIGHUP);
    signals.add(SIGQUIT);
    const os::scratch_directory place{chosen.parent, "logagent-demo"};
    result out;
    std::exception_ptr failure;
    {
        stage all{loop.get_executor(), chosen, place.path(), signals, seen};
        asio::co_spawn(loop, all.run(out), [&](std::exception_ptr thrown) {
            failure = thrown;
            loop.stop();
        });
        loop.run();
    }
    if (failure) out.failure = base::describe(failure);
    return out;
}

}  // namespace logagent::demo
