#include <map>
#include <set>

#include "agent/process_figures.hpp"
#include "agent/status_metrics.hpp"
#include "status_fixture.hpp"
#include "support/test.hpp"

using namespace logagent;
using namespace logagent::test;

namespace {

/// A page as a scraper understands it; anything odd throws.
struct scrape {
    std::map<std::string, std::string> types;  // family -> type
    std::map<std::string, double> samples;     // name{labels} -> value
    std::vector<std::string> families;         // in the order of the page

    explicit scrape(const std::string& page) {
        if (page.empty() || page.back() != '\n') throw std::runtime_error{"no line end at the end"};
        for (std::size_t at = 0; at < page.size();) {
            const auto end = page.find('\n', at);
            line(page.substr(at, end - at));
            at = end + 1;
        }
    }

    double at(const std::string& series) const {
        const auto found = samples.find(series);
        if (found == samples.end()) throw std::runtime_error{"no series " + series};
        return found->second;
    }
    bool has(const std::string& family) const { return types.contains(family); }
    std::size_t count(const std::string& family) const {
        std::size_t out = 0;
        for (const auto& [series, value] : samples)
            out += series.starts_with(family + '{') ? 1 : 0;
        return out;
    }

private:
    void line(const std::string& text) {
        if (text.starts_with("# TYPE ")) {
            const auto space = text.find(' ', 7);
            const auto name = text.substr(7, space - 7);
            if (!types.emplace(name, text.substr(space + 1)).second)
                throw std::runtime_error{"family twice: " + name};
            families.push_back(name);
            return;
        }
        if (text.starts_with('#')) return;
        const auto end = end_of_series(text);
        const auto name = text.substr(0, std::min(text.find('{'), text.find(' ')));
        if (families.empty() || families.back() != name)
            throw std::runtime_error{"a sample outside its family: " + text};
        if (types[name] == "counter" && !name.ends_with("_total"))
            throw std::runtime_error{"a counter without _total: " + name};
        std::size_t used = 0;
        const auto value = text.substr(end + 1);
        const double number = std::stod(value, &used);
        if (used != value.size()) throw std::runtime_error{"not a number: " + text};
        if (!samples.emplace(text.substr(0, end), number).second)
            throw std::runtime_error{"a series twice: " + text};
    }

    /// The blank before the value; blanks and brackets within quotes do not count.
    static std::size_t end_of_series(const std::string& text) {
        bool quoted = false;
        for (std::size_t i = 0; i < text.size(); ++i) {
            if (quoted && text[i] == '\\') {
                ++i;
            } else if (text[i] == '"') {
                quoted = !quoted;
            } else if (text[i] == ' ' && !quoted) {
                return i;
            }
        }
        throw std::runtime_error{"no value: " + text};
    }
};

struct surface {
    agent::status_values values = plain_values();
    shown_files files;
    agent::status_source source{[this] {
                                    values.file_count = files.files.size();
                                    return values;
                                },
                                files.visitor()};
    answer metrics() { return get(source, "/metrics"); }
};

}  // namespace

TEST_CASE("the metrics carry the figures of the status", "[status]") {
    surface host;
    host.values.counted.rewinds = 3;
    host.values.counted.rotations = 4;
    host.values.counted.truncations = 5;
    host.values.counted.undecodable_lines = 6;
    host.values.longest_stall_s = 0.03;
    host.values.blocked = {{"orders", -1, "UNKNOWN"}};
    host.values.problems = {{"kafka_down", "a", 0}, {"kafka_down", "b", 0}};
    host.files.files = {{"/a", "t"}, {"/b", "t", "denied"}, {"/b", "u"}};
    const scrape page{host.metrics().body};
    CHECK(page.at("logagent_ledger_bytes_total{class=\"acked\"}") == 2);
    CHECK(page.at("logagent_ledger_bytes_total{class=\"stopped\"}") == 10);
    CHECK(page.count("logagent_ledger_bytes_total") == 10);
    CHECK(page.at("logagent_ledger_in_flight_bytes") == 11);
    CHECK(page.at("logagent_ledger_unread_bytes") == 12);
    CHECK(page.at("logagent_lines_read_total") == 40);
    CHECK(page.at("logagent_lines_acked_total") == 30);
    CHECK(page.at("logagent_rewinds_total") == 3);
    CHECK(page.at("logagent_rotations_total") == 4);
    CHECK(page.at("logagent_truncations_total") == 5);
    CHECK(page.at("logagent_undecodable_lines_total") == 6);
    CHECK(page.at("logagent_in_flight_bytes") == 300);
    CHECK(page.at("logagent_kafka_up") == 1);
    CHECK(page.at("logagent_kafka_requests_per_second") == 2.5);
    CHECK(page.at("logagent_kafka_blocked{topic=\"orders\",partition=\"-1\",reason=\"UNKNOWN\"}") ==
          1);
    CHECK(page.at("logagent_problems{code=\"kafka_down\"}") == 2);
    CHECK(page.at("logagent_healthy") == 0);
    CHECK(page.at("logagent_config_state{state=\"applied\"}") == 1);
    CHECK(page.at("logagent_config_state{state=\"failed\"}") == 0);
    CHECK(page.at("logagent_journal_problem") == 0);
    CHECK(page.at("logagent_loop_stall_seconds_max") == 0.03);
    CHECK(page.at("logagent_build_info{version=\"0.1.0\",host=\"web-1\",instance=\"0f0f\"}") == 1);
    CHECK(page.at("logagent_file_lag_bytes{path=\"/b\",topic=\"u\"}") == 20);
    CHECK(page.at("logagent_file_hole_bytes{path=\"/b\",topic=\"u\"}") == 5);
    CHECK(page.at("logagent_file_failed{path=\"/b\",topic=\"t\"}") == 1);
    CHECK(page.at("logagent_file_throttled_seconds_total{path=\"/a\",topic=\"t\"}") == 0.25);
    CHECK(page.at("logagent_files{state=\"tailing\"}") == 2);
    CHECK(page.at("logagent_topic_files{topic=\"t\"}") == 2);
    CHECK(page.at("logagent_topic_lag_bytes{topic=\"t\"}") == 40);
    CHECK(page.at("process_resident_memory_bytes") > 1'000'000);
    CHECK(page.at("process_open_fds") >= 3);
}

TEST_CASE("beyond 1000 files only the sums by topic are told", "[status]") {
    surface host;
    host.files.add(1000, {"/var/log/"});
    const scrape single{host.metrics().body};
    CHECK(single.count("logagent_file_size_bytes") == 1000);

    host.files.files.push_back({"/z", "u"});
    const scrape summed{host.metrics().body};
    CHECK_FALSE(summed.has("logagent_file_size_bytes"));
    CHECK(summed.at("logagent_topic_files{topic=\"t\"}") == 1000);
    CHECK(summed.at("logagent_topic_files{topic=\"u\"}") == 1);
}

TEST_CASE("a scrape of 20,000 files is done in bounded pieces", "[status]") {
    surface host;
    host.files.add(20'000, {"/var/log/"});
    const auto said = host.metrics();
    CHECK(said.slices.size() >= 20);
    CHECK(host.files.most_asked <= 1001);
    CHECK(said.body.size() < 100'000);
    const scrape page{said.body};
    CHECK(page.at("logagent_files{state=\"tailing\"}") == 20'000);
}

TEST_CASE("hostile names give one series for each file", "[status]") {
    surface host;
    for (const auto& name : hostile_names)
        host.files.files.push_back({name, name});
    // Three names that are one name for somebody who is careless.
    host.files.files.push_back({"/z\\xff", "t"});
    host.files.files.push_back({"/z\xFE", "t"});
    host.files.files.push_back({"/z\xFF", "t"});
    const scrape page{host.metrics().body};
    CHECK(page.count("logagent_file_size_bytes") == hostile_names.size() + 3);
}
