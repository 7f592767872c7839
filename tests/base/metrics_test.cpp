#include "logagent/base/metrics.hpp"

#include <limits>

#include "support/test.hpp"

using logagent::base::metrics_page;

TEST_CASE("a page holds help, type and one line for each sample", "[metrics]") {
    metrics_page page;
    page.family("read_bytes_total", metrics_page::kind::counter, "Bytes read from files.");
    page.sample({{"path", "/var/log/a.log"}, {"topic", "t"}}, std::uint64_t{12});
    page.family("in_flight_bytes", metrics_page::kind::gauge, "Not yet acknowledged.");
    page.sample(std::int64_t{-3});
    CHECK(page.take() ==
          "# HELP logagent_read_bytes_total Bytes read from files.\n"
          "# TYPE logagent_read_bytes_total counter\n"
          "logagent_read_bytes_total{path=\"/var/log/a.log\",topic=\"t\"} 12\n"
          "# HELP logagent_in_flight_bytes Not yet acknowledged.\n"
          "# TYPE logagent_in_flight_bytes gauge\n"
          "logagent_in_flight_bytes -3\n");
}

TEST_CASE("label values cannot break the format", "[metrics]") {
    metrics_page page;
    page.family("x", metrics_page::kind::gauge, "one\ntwo \\");
    page.take();
    page.sample({{"path", "a\"b\\c\nd\xFF"}}, std::uint64_t{1});
    CHECK(page.take() == "logagent_x{path=\"a\\\"b\\\\c\\nd\xEF\xBF\xBD\"} 1\n");
}

TEST_CASE("numbers that JSON does not know are written as Prometheus wants them", "[metrics]") {
    metrics_page page;
    page.family("x", metrics_page::kind::gauge, "h");
    page.take();
    page.sample(0.25);
    page.sample(std::numeric_limits<double>::infinity());
    page.sample(-std::numeric_limits<double>::infinity());
    page.sample(std::numeric_limits<double>::quiet_NaN());
    CHECK(page.take() == "logagent_x 0.25\nlogagent_x +Inf\nlogagent_x -Inf\nlogagent_x NaN\n");
}

TEST_CASE("a page is taken in slices without losing its family", "[metrics]") {
    metrics_page page;
    page.family("x", metrics_page::kind::gauge, "h");
    const auto size = page.size();
    CHECK(page.take().size() == size);
    CHECK(page.size() == 0);
    page.sample({{"n", "1"}}, std::uint64_t{1});
    CHECK(page.take() == "logagent_x{n=\"1\"} 1\n");
}
