#include <zlib.h>
#include <algorithm>

#include <deque>

#include "logagent/dns/resolver.hpp"
#include "logagent/transfer/sink.hpp"
#include "os/temporary_directory.hpp"
#include "support/run.hpp"
#include "support/test.hpp"
#include "transfer/fake_webhdfs.hpp"
#include "transfer/hdfs_position.hpp"

namespace logagent::transfer {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;
using act = test::fake_webhdfs::act;

/// "12 text" is of hour 12.
class hour_documents final : public document_maker {
public:
    void make(document& made, const source_record& from) const override {
        made.time_ms = time_of(from);
        made.json = "{\"offset\":" + std::to_string(from.offset) + "}";
    }

    std::int64_t time_of(const source_record& from) const override {
        return std::stoll(std::string{from.value}) * 3'600'000;
    }

    const document_options& options() const noexcept override { return how; }

    document_options how;
};

/// A partition as its group sees it: records, and where it was committed.
struct fake_partition final : sink_listener {
    struct entry {
        std::int64_t offset;
        std::string value;
    };
    std::deque<entry> records;
    std::int64_t committed = 0;
    std::string metadata;
    std::vector<std::string> commits;
    std::vector<std::string> stalls;
    std::size_t accepted_count = 0;
    bool refuse_commits = false;
    lane owner = 1;
    std::function<act()> before_commit;
    bool stuck = false;

    void accepted(item) override { ++accepted_count; }
    void refused(item, refusal) override { FAIL("hdfs refuses no record"); }
    void stalled(std::string_view text) override { stalls.emplace_back(text); }
    asio::awaitable<bool> commit(lane in, std::int64_t next, std::string text) override {
        const act what = before_commit ? before_commit() : act::serve;
        const bool takes = what != act::hang && in == owner && !refuse_commits;
        if (takes) {
            committed = next;
            metadata = text;
            commits.push_back(std::to_string(next) + (text.find("pub") != text.npos ? " pub" : ""));
        }
        if (what != act::serve) {
            stuck = true;
            asio::steady_timer never{co_await asio::this_coro::executor};
            never.expires_at(std::chrono::steady_clock::time_point::max());
            co_await never.async_wait(asio::use_awaitable);
        }
        co_return takes;
    }

    bool all_published() const {
        return committed == records.back().offset + 1 && metadata.find("pub") == metadata.npos;
    }
};

struct hdfs_fixture {
    asio::io_context loop;
    dns::resolver names{loop.get_executor()};
    hour_documents documents;
    std::unique_ptr<document_maker> made_by;  // null: `documents`
    std::int64_t first_time = 1'000'000'000;
    test::temporary_directory spool;
    fake_partition partition;
    std::unique_ptr<test::fake_webhdfs> hdfs = std::make_unique<test::fake_webhdfs>(loop);
    sink_settings where;
    sink_options how;

    hdfs_fixture() {
        where.url.push_back({"127.0.0.1", hdfs->server.port(), false});
        how.root = "/logs";
        how.roll_records = 3;
        how.roll_idle = 3600s;
        how.timeout = 5s;
        for (int i = 0; i < 9; ++i)
            partition.records.push_back(
                {i, std::to_string(10 + i % 2) + " line " + std::to_string(i)});
    }

    /// One life of a process.
    struct life {
        hdfs_fixture& in;
        std::unique_ptr<sink> made;
        std::optional<test::background> running;

        explicit life(hdfs_fixture& from) : in{from} {
            const document_maker* maker = &in.documents;
            if (in.made_by) maker = in.made_by.get();
            sink_parts parts{in.loop.get_executor(), in.names, in.partition, *maker, "hadoop",
                             in.spool.path()};
            made = create_hdfs_sink(std::move(parts), in.where, in.how);
            running.emplace(in.loop, made->run());
        }
        ~life() {
            running.reset();
            made.reset();
        }

        void begin(std::string topic_id = "AAAAAAAAAAAAAAAAAAAAAA") {
            lane_start start;
            start.in = in.partition.owner;
            start.partition = {"nginx", 3};
            start.topic_id = std::move(topic_id);
            start.next = in.partition.committed;
            start.metadata = in.partition.metadata;
            made->begin(start);
        }
        /// Gives it everything from the committed offset on.
        void feed(std::int64_t up_to = INT64_MAX) {
            for (const auto& each : in.partition.records) {
                if (each.offset < in.partition.committed || each.offset > up_to) continue;
                kafka::consumed_record record;
                record.topic = "nginx";
                record.partition = 3;
                record.offset = each.offset;
                record.timestamp_ms = in.first_time + each.offset;
                record.value = each.value;
                made->take(item{in.partition.owner, std::move(record)});
            }
        }
        void drain(std::chrono::milliseconds patience = 10s) {
            std::vector<lane> lanes{in.partition.owner};
            test::run(in.loop,
                      made->drain(std::move(lanes), std::chrono::steady_clock::now() + patience));
        }
    };

    /// Reads and publishes everything.
    void publish_all() {
        life one{*this};
        one.begin();
        one.feed();
        one.drain();
        REQUIRE(partition.all_published());
    }

    /// How often each record stands in a file that readers take.
    std::map<std::string, int> lines(const std::string& root = "/logs") const {
        std::map<std::string, int> found;
        for (const auto& [path, content] : hdfs->published(root)) {
            std::istringstream text{content};
            for (std::string line; std::getline(text, line);)
                ++found[line];
        }
        return found;
    }
    void check_each_once(const std::string& root = "/logs") const {
        const auto found = lines(root);
        CHECK(found.size() == partition.records.size());
        for (const auto& each : partition.records) {
            INFO(each.value);
            const auto line = found.find(each.value);
            REQUIRE(line != found.end());
            CHECK(line->second == 1);
        }
    }
};

std::string name_of(std::int64_t first, std::int64_t last, const char* hour) {
    char text[200];
    std::snprintf(text, sizeof text,
                  "/logs/nginx/dt=1970-01-01/hour=%s/AAAAAAAAAAAAAAAAAAAAAA+3+%020lld+%020lld.log",
                  hour, static_cast<long long>(first), static_cast<long long>(last));
    return text;
}

}  // namespace

TEST_CASE_METHOD(hdfs_fixture, "records go into files by hour and range, between two commits",
                 "[transfer][hdfs]") {
    publish_all();
    CHECK(partition.accepted_count == 9);
    CHECK(partition.commits == std::vector<std::string>{"0 pub", "3", "3 pub", "6", "6 pub", "9"});
    const auto files = hdfs->published("/logs");
    CHECK(files.size() == 6);
    REQUIRE(files.contains(name_of(0, 2, "10")));
    CHECK(files.at(name_of(0, 2, "10")) == "10 line 0\n10 line 2\n");
    CHECK(files.at(name_of(0, 2, "11")) == "11 line 1\n");
    CHECK(files.at(name_of(6, 8, "11")) == "11 line 7\n");
    check_each_once();
    CHECK(hdfs->count("/_tmp/") == 0);
    CHECK(partition.stalls.empty());
}

TEST_CASE_METHOD(hdfs_fixture, "ndjson holds the documents", "[transfer][hdfs]") {
    how.format = "ndjson";
    publish_all();
    CHECK(hdfs->published("/logs").at(name_of(0, 2, "10")) == "{\"offset\":0}\n{\"offset\":2}\n");
}

TEST_CASE_METHOD(hdfs_fixture, "a quiet range is published when its time has come",
                 "[transfer][hdfs]") {
    how.roll_records = 0;
    how.roll_age = 0s;
    how.roll_idle = 1s;
    life one{*this};
    one.begin();
    one.feed();
    test::run_until(loop, [&] { return partition.all_published(); });
    check_each_once();
}

TEST_CASE_METHOD(hdfs_fixture, "a process that dies at any step leaves each record in one file",
                 "[transfer][hdfs]") {
    // Dies at the n-th thing that it asks of HDFS or Kafka, before or after that was done; the
    // next one dies, too, a bit later; the third one lives.
    const auto life_until = [&](int step, act how_it_ends) {
        int steps = 0;
        bool stuck = false;
        const auto next = [&] {
            if (stuck || ++steps != step) return stuck ? act::hang : act::serve;
            stuck = true;
            return how_it_ends;
        };
        hdfs->before = [&](const std::string&, const std::string&) { return next(); };
        partition.before_commit = next;
        partition.stuck = false;
        {
            life one{*this};
            one.begin();
            one.feed();
            test::run_until(loop, [&] { return stuck || partition.all_published(); });
        }
        hdfs->before = nullptr;
        partition.before_commit = nullptr;
        return stuck;
    };
    int steps = 0;
    for (bool died = true; died;) {
        ++steps;
        for (const act end : {act::hang, act::hang_after}) {
            INFO("step " << steps << (end == act::hang ? " undone" : " done"));
            hdfs->files.clear();
            hdfs->directories.clear();
            partition.committed = 0;
            partition.metadata.clear();
            died = life_until(steps, end);
            if (died) life_until(1 + steps / 2, end);
            if (!partition.all_published()) publish_all();
            check_each_once();
            CHECK(hdfs->count("/_tmp/") == 0);
        }
    }
    CHECK(steps > 40);  // 3 ranges, 2 files each with 6 questions, 2 commits, 1 sweep
}

TEST_CASE_METHOD(hdfs_fixture, "a range that was begun is finished under its own layout",
                 "[transfer][hdfs]") {
    bool died = false;
    hdfs->before = [&](const std::string& op, const std::string& path) {
        if (op == "RENAME" && path.find("/_tmp/") != path.npos) died = true;
        return died ? act::hang : act::serve;
    };
    {
        life one{*this};
        one.begin();
        one.feed();
        test::run_until(loop, [&] { return died; });
    }
    hdfs->before = nullptr;
    how.root = "/other";
    how.format = "ndjson";
    how.roll_records = 100;
    publish_all();
    // The range 0 to 2 was begun; the rest is the new layout's.
    CHECK(hdfs->published("/logs").size() == 2);
    CHECK(lines("/logs") ==
          std::map<std::string, int>{{"10 line 0", 1}, {"11 line 1", 1}, {"10 line 2", 1}});
    CHECK(lines("/other").size() == 6);
    CHECK(lines("/other").contains("{\"offset\":3}"));
    CHECK(hdfs->count("/_tmp/") == 0);
}

TEST_CASE_METHOD(hdfs_fixture, "a range that was begun is read with the options it was begun with",
                 "[transfer][hdfs]") {
    // Documents of the real kind: `parse` decides their content, `timezone` their hour.
    for (auto& one : partition.records)
        one.value = "2001-09-09 12:00:00 {\"n\":" + std::to_string(one.offset) + "}";
    first_time = 1'000'000'000'000;  // 2001-09-09T01:46:40Z
    how.format = "ndjson";
    bool died = false;
    hdfs->before = [&](const std::string& op, const std::string& path) {
        if (op == "RENAME" && path.find("/_tmp/") != path.npos) died = true;
        return died ? act::hang : act::serve;
    };
    made_by = create_document_maker({"re2:(?P<n>[0-9]+)}$", "", "+02:00"}).value();
    {
        life one{*this};
        one.begin();
        one.feed();
        test::run_until(loop, [&] { return died; });
    }
    hdfs->before = nullptr;
    made_by = create_document_maker({"", "", "-03:00"}).value();
    publish_all();
    std::map<std::string, int> hours;
    for (const auto& [path, body] : hdfs->published("/logs")) {
        const auto hour = path.substr(path.find("hour=") + 5, 2);
        hours[hour] += static_cast<int>(std::count(body.begin(), body.end(), '\n'));
        CHECK((body.find("\"fields\"") != body.npos) == (hour == "10"));
    }
    // The three records of the range that was begun, and the six others.
    CHECK(hours == std::map<std::string, int>{{"10", 3}, {"15", 6}});
}

TEST_CASE_METHOD(hdfs_fixture, "what a newer version began is left alone, and said",
                 "[transfer][hdfs]") {
    partition.metadata = R"({"v":2,"pub":7})";
    life one{*this};
    one.begin();
    one.feed();
    test::run_until(loop, [&] { return !partition.stalls.empty(); });
    CHECK(partition.stalls[0].find("another version") != std::string::npos);
    CHECK(partition.commits.empty());
    CHECK(partition.accepted_count == 0);
    CHECK(hdfs->files.empty());
}

TEST_CASE_METHOD(hdfs_fixture, "another life of the topic does not repeat a range of the old one",
                 "[transfer][hdfs]") {
    hdfs_position old;
    old.intent.emplace();
    old.intent->range = {0, 100};
    old.intent->layout.root = "/logs";
    old.intent->source_id = "BBBBBBBBBBBBBBBBBBBBBB";
    partition.metadata = old.metadata();
    publish_all();
    check_each_once();
}

TEST_CASE_METHOD(hdfs_fixture, "who may not commit publishes nothing", "[transfer][hdfs]") {
    partition.refuse_commits = true;
    life one{*this};
    one.begin();
    one.feed();
    one.drain(300ms);
    CHECK(hdfs->files.empty());
    one.made->end(partition.owner);
    // Its records are gone with it, and a new owner publishes them.
    partition.refuse_commits = false;
    partition.owner = 2;
    one.begin();
    one.feed();
    one.drain();
    check_each_once();
}

TEST_CASE_METHOD(hdfs_fixture, "a lane that ends in the middle goes on as another one",
                 "[transfer][hdfs]") {
    bool uploading = false;
    hdfs->before = [&](const std::string& op, const std::string&) {
        if (op == "PUT" && !uploading) {
            uploading = true;
            return act::hang;
        }
        return act::serve;
    };
    how.timeout = 500ms;
    life one{*this};
    one.begin();
    one.feed();
    test::run_until(loop, [&] { return uploading; });
    one.made->end(partition.owner);
    partition.owner = 2;
    one.begin();
    one.feed();
    one.drain();
    REQUIRE(partition.all_published());
    check_each_once();
}

TEST_CASE_METHOD(hdfs_fixture, "an upload that breaks off is made again", "[transfer][hdfs]") {
    int puts = 0;
    hdfs->before = [&](const std::string& op, const std::string&) {
        return op == "PUT" && ++puts == 1 ? act::close : act::serve;
    };
    publish_all();
    check_each_once();
    CHECK(hdfs->count("/_tmp/") == 0);
    CHECK(puts == 7);
}

TEST_CASE_METHOD(hdfs_fixture, "a file that came shorter than it was sent is made again",
                 "[transfer][hdfs]") {
    int checks = 0;
    hdfs->before = [&](const std::string& op, const std::string& path) {
        if (op == "GETFILESTATUS" && path.find("/_tmp/") != path.npos && ++checks == 1)
            hdfs->files[path].pop_back();
        return act::serve;
    };
    life one{*this};
    one.begin();
    one.feed();
    one.drain();
    check_each_once();
    CHECK(one.made->figures().retried.at("short") == 1);
    CHECK(hdfs->count("/_tmp/") == 0);
}

TEST_CASE_METHOD(hdfs_fixture, "what passes is tried again, and is news only when it lasts",
                 "[transfer][hdfs]") {
    int left = 2;
    hdfs->exception = "SafeModeException";
    hdfs->before = [&](const std::string& op, const std::string&) {
        return op == "RENAME" && left-- > 0 ? act::refuse : act::serve;
    };
    SECTION("shortly") {
        publish_all();
        CHECK(partition.stalls.empty());
    }
    SECTION("for a while") {
        left = 4;
        publish_all();
        REQUIRE(partition.stalls.size() >= 2);
        CHECK(partition.stalls[0].find("SafeModeException") != std::string::npos);
        CHECK(partition.stalls.back().empty());
    }
    check_each_once();
}

TEST_CASE_METHOD(hdfs_fixture, "what needs a person is said at once", "[transfer][hdfs]") {
    bool asked = false;
    hdfs->exception = "AccessControlException";
    hdfs->before = [&](const std::string& op, const std::string&) {
        if (op != "MKDIRS" || asked) return act::serve;
        asked = true;
        return act::refuse;
    };
    publish_all();
    REQUIRE(partition.stalls.size() == 2);
    CHECK(partition.stalls[0].find("AccessControlException: as the test wants; nothing is lost") !=
          std::string::npos);
    CHECK(partition.stalls[1].empty());
    check_each_once();
}

TEST_CASE_METHOD(hdfs_fixture, "another file with a name of ours holds it up until it is gone",
                 "[transfer][hdfs]") {
    const auto name = name_of(0, 2, "10");
    hdfs->files[name] = "not ours\n";
    life one{*this};
    one.begin();
    one.feed();
    test::run_until(loop, [&] { return !partition.stalls.empty(); });
    CHECK(partition.stalls[0].find(name + ": a file of 9 bytes has that name, ours has 20 bytes") !=
          std::string::npos);
    CHECK(hdfs->files[name] == "not ours\n");
    hdfs->files.erase(name);
    test::run_until(loop, [&] { return partition.committed >= 6; });
    one.drain();
    check_each_once();
    CHECK(partition.stalls.back().empty());
}

TEST_CASE_METHOD(hdfs_fixture, "a NameNode on standby or without an answer is left for the next",
                 "[transfer][hdfs]") {
    test::fake_webhdfs standby{loop};
    std::uint16_t nobody = 0;
    {
        test::fake_webhdfs gone{loop};
        nobody = gone.server.port();
    }
    standby.before = [](const std::string&, const std::string&) { return act::refuse; };
    where.url.insert(where.url.begin(), {"127.0.0.1", standby.server.port(), false});
    where.url.insert(where.url.begin(), {"127.0.0.1", nobody, false});
    publish_all();
    check_each_once();
    CHECK(partition.stalls.empty());
    CHECK(standby.log.size() == 1);  // the one that answers is kept
}

TEST_CASE_METHOD(hdfs_fixture, "a DataNode is dialled where the rewrite map says",
                 "[transfer][hdfs]") {
    hdfs->datanode = "dn7.invalid";
    where.rewrite["dn7.invalid"] = "127.0.0.1";
    publish_all();
    check_each_once();
}

TEST_CASE_METHOD(hdfs_fixture, "user and token are sent, and the token is read again when refused",
                 "[transfer][hdfs]") {
    where.user = "me & you";
    SECTION("user") {
        publish_all();
        CHECK(hdfs->targets.front().find("&user.name=me%20%26%20you") != std::string::npos);
    }
    SECTION("token") {
        where.token_file = spool.file("token", "old\n");
        hdfs->exception = "InvalidToken";
        bool refused = false;
        hdfs->before = [&](const std::string& op, const std::string&) {
            if (op != "CREATE" || refused) return act::serve;
            refused = true;
            spool.file("token", "new\n");
            return act::refuse;
        };
        publish_all();
        CHECK(hdfs->targets.front().find("&delegation=old") != std::string::npos);
        CHECK(hdfs->targets.back().find("&delegation=new") != std::string::npos);
    }
    check_each_once();
}

TEST_CASE_METHOD(hdfs_fixture, "what earlier owners left among unfinished files is removed",
                 "[transfer][hdfs]") {
    const std::string mine = "/logs/_tmp/hadoop/AAAAAAAAAAAAAAAAAAAAAA+3";
    hdfs->files[mine + "/0123"] = "half";
    hdfs->files["/logs/_tmp/hadoop/AAAAAAAAAAAAAAAAAAAAAA+4/0123"] = "of another partition";
    hdfs->directories.insert(mine);
    publish_all();
    CHECK(hdfs->count(mine) == 0);
    CHECK(hdfs->count("+4/0123") == 1);
}

TEST_CASE_METHOD(hdfs_fixture, "hours that a partition is through with get a marker",
                 "[transfer][hdfs]") {
    const std::string marker = "/_complete+AAAAAAAAAAAAAAAAAAAAAA+3";
    hdfs_position before;
    before.hour = 275;  // Kafka's time of the records is in hour 277
    partition.metadata = before.metadata();
    life one{*this};
    one.begin();
    const auto complete_to = [&] { return one.made->figures().complete_to.at(partition.owner); };
    CHECK(complete_to() == 275 * 3600);
    one.feed();
    one.drain();
    REQUIRE(partition.all_published());
    CHECK(complete_to() == 277 * 3600);
    CHECK(hdfs->count(marker) == 2);
    CHECK(hdfs->files.contains("/logs/nginx/dt=1970-01-12/hour=11" + marker));
    CHECK(hdfs->files.contains("/logs/nginx/dt=1970-01-12/hour=12" + marker));
    CHECK(hdfs_position::read(partition.metadata)->hour == 277);
}

TEST_CASE_METHOD(hdfs_fixture, "a full disk stops the intake, not the promise",
                 "[transfer][hdfs]") {
    std::filesystem::rename(spool.path(), spool.path() + ".away");
    life one{*this};
    one.begin();
    one.feed();
    test::run_until(loop, [&] { return !partition.stalls.empty(); });
    CHECK(partition.accepted_count == 0);
    std::filesystem::rename(spool.path() + ".away", spool.path());
    test::run_until(loop, [&] { return partition.committed >= 6; });
    one.drain();
    check_each_once();
}

TEST_CASE_METHOD(hdfs_fixture, "many records in a lane that is held up wait outside",
                 "[transfer][hdfs]") {
    hdfs->before = [&](const std::string& op, const std::string&) {
        return op == "PUT" ? act::hang : act::serve;
    };
    life one{*this};
    one.begin();
    one.feed();
    loop.restart();
    loop.poll();
    CHECK(partition.accepted_count == 6);  // one range that is published, one that is full
    one.made->end(partition.owner);
    CHECK(partition.accepted_count == 6);
}

TEST_CASE_METHOD(hdfs_fixture, "a sink that cannot work says so when it is made",
                 "[transfer][hdfs]") {
    const auto refused = [&] {
        try {
            life one{*this};
        } catch (const base::problem_error& error) {
            return error.reason().code;
        }
        return std::string{};
    };
    CHECK(refused().empty());
    SECTION("root") {
        for (const auto* root : {"logs", "/a//b", "/a/../b"}) {
            how.root = root;
            CHECK(refused() == "root");
        }
    }
    SECTION("format") {
        how.format = "parquet";
        CHECK(refused() == "layout");
    }
    SECTION("token") {
        where.token_file = "/nowhere/token";
        CHECK(refused() == "token_file");
    }
    SECTION("url") {
        where.url.clear();
        CHECK(refused() == "url");
    }
}

}  // namespace logagent::transfer
