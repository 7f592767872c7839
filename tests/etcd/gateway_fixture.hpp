#pragma once

#include <boost/asio/io_context.hpp>
#include <optional>
#include <string>

#include "etcd/fake_gateway.hpp"
#include "logagent/dns/resolver.hpp"
#include "logagent/etcd/client.hpp"
#include "support/run.hpp"

namespace logagent::test {

/// A client and the fake gateway that it asks.
struct gateway_fixture {
    boost::asio::io_context loop;
    dns::resolver names{loop.get_executor()};
    fake_gateway gateway{loop};
    etcd::client_options options;
    std::optional<etcd::client> client;

    gateway_fixture() {
        options.endpoints = {{"127.0.0.1", gateway.port(), false}};
        options.timeout = std::chrono::seconds{5};
    }

    etcd::client& etcd() {
        if (!client) client.emplace(loop.get_executor(), names, options);
        return *client;
    }

    template <class Value>
    Value run(boost::asio::awaitable<Value> task) {
        return test::run(loop, std::move(task));
    }
};

}  // namespace logagent::test
