#pragma once

#include <algorithm>
#include <boost/json/parse.hpp>
#include <string>
#include <vector>

#include "agent/status_routes.hpp"
#include "agent/status_values.hpp"

namespace logagent::test {

struct shown_file {
    std::string path;
    std::string topic = "t";
    std::string state = "tailing";
    std::string last_error = {};
};

/// Plays the collector: files in the order of (path, topic).
struct shown_files {
    std::vector<shown_file> files;
    std::size_t most_asked = 0;  // the largest `limit` that was asked for
    std::size_t visited = 0;     // since the last reset by the test

    agent::file_visitor visitor() {
        return [this](std::string_view after, std::size_t limit,
                      const std::function<void(const tail::file_view&)>& each) {
            most_asked = std::max(most_asked, limit);
            std::size_t given = 0;
            for (const auto& one : files) {
                if (one.path <= after && !after.empty()) continue;
                if (given++ == limit) return;
                ++visited;
                each(view(one));
            }
        };
    }

    static tail::file_view view(const shown_file& one) {
        tail::file_view out;
        out.path = one.path;
        out.service = "shop";
        out.topic = one.topic;
        out.state = one.state;
        out.generation = "AAAAAAAAAAAAAAAAAAAAAA";
        out.inode = 7;
        out.size = 100;
        out.read_offset = 90;
        out.acked_offset = 80;
        out.lag_bytes = 20;
        out.hole_bytes = 5;
        out.lines_per_s = 1.5;
        out.bytes_per_s = 150;
        out.send_rate = 10;
        out.throttled_seconds = 0.25;
        out.last_error = one.last_error;
        return out;
    }

    void add(std::size_t count, const shown_file& like) {
        for (std::size_t i = 0; i < count; ++i) {
            auto number = std::to_string(i);
            number.insert(0, 6 - number.size(), '0');
            files.push_back({like.path + number, like.topic, like.state, like.last_error});
        }
    }
};

inline agent::status_values plain_values() {
    agent::status_values out;
    out.host = "web-1";
    out.instance = "0f0f";
    out.version = "0.1.0";
    out.ips = {"10.0.0.5"};
    out.started_ms = 1'772'600'767'089;
    out.config.source = "etcd";
    out.config.state = "applied";
    out.config.revision = 12;
    out.config.hash = "abc";
    out.config.applied_ms = 1'772'600'768'000;
    out.kafka_up = true;
    out.requests_per_s = 2.5;
    out.in_flight_bytes = 300;
    out.in_flight_limit = 1000;
    for (std::size_t i = 0; i < out.ledger.classes.size(); ++i)
        out.ledger.classes[i] = i + 1;
    out.ledger.in_flight = 11;
    out.ledger.unread = 12;
    out.counted.lines_read = 40;
    out.counted.lines_acked = 30;
    return out;
}

/// A whole answer of one route, with the slices it came in.
struct answer {
    unsigned status = 0;
    std::string body;
    std::vector<std::string> slices;
};

inline answer get(const agent::status_source& source, const std::string& target) {
    http::request asked;
    asked.target = target;
    for (const auto& route : agent::status_routes(source)) {
        if (route.pattern != asked.path()) continue;
        const auto said = std::get<http::handler>(route.answer)(asked);
        answer out{said.status, said.body, {}};
        if (!said.slices) return out;
        for (auto slice = said.slices(); !slice.empty(); slice = said.slices()) {
            out.slices.push_back(slice);
            out.body += slice;
        }
        return out;
    }
    return {};
}

inline boost::json::object object_of(const std::string& text) {
    return boost::json::parse(text).as_object();  // refuses bytes that are not UTF-8
}

/// Names that try to break out of whatever they are put into.
inline const std::vector<std::string> hostile_names{"/a/\"quote\\",
                                                    "/b/new\nline\r\t",
                                                    "/c/\xE2\x80\xAE"
                                                    "bidi",
                                                    "/d/\xFF\xFE bad",
                                                    "/e/\xED\xA0\x80",
                                                    "/f/\x01\x7F\xC2\x85",
                                                    "/g/\xE2\x80\xA8",
                                                    "/h/{},:[]'`<>"};

}  // namespace logagent::test
