#include <boost/json/parse.hpp>

#include "cli/ctl_call.hpp"
#include "support/test.hpp"

namespace cli = logagent::cli;
namespace json = boost::json;

namespace {

cli::ctl_call call(std::vector<std::string> words, const char* file = nullptr) {
    std::optional<json::value> document;
    if (file) document = json::parse(file);
    return cli::read_call(words, cli::arguments{}, document);
}

std::string refusal(std::vector<std::string> words, const char* file = nullptr) {
    try {
        call(std::move(words), file);
    } catch (const cli::usage_error& error) {
        return error.what();
    }
    return {};
}

}  // namespace

TEST_CASE("words become one call of the API", "[ctl]") {
    CHECK(call({"services"}).path == "/services?limit=500");
    CHECK(call({"services", "get", "a/b"}).path == "/services/a%2Fb");
    CHECK(call({"services", "diff", "shop", "3", "5"}).path == "/services/shop/diff?from=3&to=5");
    CHECK(call({"hosts", "list", "web", "prod"}).path == "/hosts?limit=500&q=web%20prod");
    CHECK(call({"tail", "service=shop", "q=a b"}).path == "/tail?service=shop&q=a%20b");

    const auto back = call({"services", "rollback", "shop", "7"});
    CHECK(back.path == "/services/shop:rollback");
    CHECK(back.body == json::parse(R"({"revision":7})"));
    CHECK(back.changes);

    const auto gone = call({"services", "delete", "shop"});
    CHECK(gone.method == "DELETE");
    CHECK(gone.precondition_of == "/services/shop");

    const auto labels = call({"hosts", "label", "web1", "env=prod", "old="});
    CHECK(labels.method == "PATCH");
    CHECK(labels.body == json::parse(R"({"labels":{"env":"prod","old":null}})"));

    const auto token = call({"tokens", "create", "ci", "editor", "shop*"});
    CHECK(token.body == json::parse(R"({"name":"ci","role":"editor","services":["shop*"]})"));
}

TEST_CASE("one definition is put, several are planned together", "[ctl]") {
    const auto one = call({"services", "apply"}, R"({"name":"shop"})");
    CHECK(one.method == "PUT");
    CHECK(one.path == "/services/shop");
    CHECK(one.precondition_of == "/services/shop");
    CHECK(call({"services", "apply"}, R"([{"name":"shop"}])").method == "PUT");
    const auto two = call({"services", "apply"}, R"({"services":[{"name":"a"},{"name":"b"}]})");
    CHECK(two.path == "/services:plan");
    CHECK(two.plan_first);
    CHECK(two.body.at("services").as_array().size() == 2);

    const auto rollout = call({"rollout", "start"}, R"({"name":"shop","files":[]})");
    CHECK(rollout.body.at("service").at("name") == "shop");
    CHECK(rollout.precondition_of == "/services/shop");
    const auto whole = call({"rollout", "start"}, R"({"service":"shop","revision":3,"bake_s":60})");
    CHECK(whole.body.at("bake_s") == 60);
    CHECK(whole.precondition_of.empty());
}

TEST_CASE("routes are put by their name, as they were written or as they were read", "[ctl]") {
    const auto put = call({"routes", "apply"}, R"({"name":"shop","topics":["a"],"sink":"s"})");
    CHECK(put.method == "PUT");
    CHECK(put.path == "/transfer/routes/shop");
    CHECK(put.precondition_of == "/transfer/routes/shop");
    CHECK(put.changes);
    const auto again =
        call({"routes", "apply"}, R"({"name":"shop","document":{"sink":"s"},"lag":1})");
    CHECK(again.body == json::parse(R"({"sink":"s"})"));
    CHECK(call({"routes"}).path == "/transfer/routes?limit=500");
    CHECK(call({"routes", "list", "shop"}).path == "/transfer/routes?limit=500&q=shop");
    CHECK(call({"routes", "processes"}).path == "/transfer/processes?limit=500");
    const auto gone = call({"routes", "delete", "shop"});
    CHECK(gone.method == "DELETE");
    CHECK(gone.precondition_of == "/transfer/routes/shop");
    CHECK(refusal({"routes", "apply"}, R"({"sink":"s"})").find("no name") != std::string::npos);
}

TEST_CASE("what cannot be meant is refused with what is expected", "[ctl]") {
    CHECK(refusal({"servces", "list"}).find("did you mean services") != std::string::npos);
    CHECK(refusal({"services", "gett", "a"}).find("did you mean get") != std::string::npos);
    CHECK(refusal({"services", "get"}) == "expected: services get NAME");
    CHECK(refusal({"services", "rollback", "a", "b"}) ==
          "expected: services rollback NAME REVISION");
    CHECK(refusal({"services", "apply"}).find("-f FILE is needed") == 0);
    CHECK(refusal({"services", "apply"}, "{}").find("no name") != std::string::npos);
    CHECK(refusal({"hosts", "label", "a", "b"}).find("KEY=VALUE") != std::string::npos);
    CHECK(refusal({}).find("say what to do") == 0);
}

TEST_CASE("an answer is a table with what is missing as a dash", "[ctl]") {
    const auto answer = json::parse(
        R"({"items":[{"name":"shop","revision":3,"status":{"hosts":2,"applied":1}},{"name":"b"}]})");
    const auto text = cli::ctl_table("services", answer);
    CHECK(text.find("NAME") == 0);
    CHECK(text.find("shop") != std::string::npos);
    CHECK(text.find(" - ") != std::string::npos);
    const auto problem = json::parse(
        R"({"detail":"d","errors":[{"pointer":"/files/0","detail":"no"},{"detail":"other"}]})");
    CHECK(cli::problem_lines(problem, 422) == std::vector<std::string>{"/files/0: no", "other"});
    CHECK(cli::problem_lines(json::value{}, 502) ==
          std::vector<std::string>{"the server answered 502"});
}
