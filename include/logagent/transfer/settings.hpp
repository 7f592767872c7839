#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "logagent/http/client.hpp"

namespace logagent::transfer {

enum class sink_type { elasticsearch, hdfs, storm, kafka, standard_output, file };

/// A section [sink.NAME]: where records go, and who we are there. Local only; secrets are named by
/// their files.
struct sink_settings {
    std::string name;
    sink_type type = sink_type::standard_output;

    // elasticsearch, hdfs, storm
    std::vector<http::endpoint> url;
    std::string user;           // basic authentication; for hdfs `user.name`
    std::string password_file;  // with `user`, not for hdfs
    std::string api_key_file;   // elasticsearch: "Authorization: ApiKey"; storm: "Bearer"
    std::string token_file;     // hdfs: a delegation token
    http::tls_options tls;      // ca, cert, key
    std::map<std::string, std::string> rewrite;  // hdfs: host of a DataNode -> host to dial

    // kafka, and storm with mode = kafka
    std::vector<std::string> kafka_addr;
    std::map<std::string, std::string> kafka;  // properties, without "kafka."

    std::string path;  // file
};

/// What of a route's options its sink needs. Each kind of sink reads its own.
struct sink_options {
    // Batches: elasticsearch, storm
    std::uint64_t batch_bytes = 5u << 20;  // storm: 512 KiB at most
    std::uint32_t batch_records = 2000;
    std::chrono::milliseconds batch_age{1000};
    std::uint32_t concurrency = 8;              // requests in flight, at most
    std::chrono::milliseconds timeout{35'000};  // of one request

    // elasticsearch
    std::string index = "logs-{service}-{yyyy.MM.dd}";
    bool install_template = true;
    bool gzip = false;
    bool closed_index_is_dead = false;  // index_closed_exception: a dead letter; else it waits

    // hdfs
    std::string root;
    std::string format = "raw";  // or "ndjson"
    std::string compress;        // "", "gzip", "zstd"
    std::uint64_t roll_bytes = 128u << 20;
    std::uint64_t roll_records = 0;  // 0 = no such limit
    std::chrono::seconds roll_age{300};
    std::chrono::seconds roll_idle{60};

    // storm
    std::string mode = "drpc";  // or "kafka"
    std::string function;
    std::uint32_t attempts = 5;  // of a batch that the topology fails, then dead letters

    // kafka, and storm with mode = kafka
    std::string topic;
};

}  // namespace logagent::transfer
