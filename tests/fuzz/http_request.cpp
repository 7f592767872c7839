#include <vector>

#include "fuzz/fuzz.hpp"
#include "http/route_table.hpp"
#include "logagent/http/message.hpp"

namespace http = logagent::http;

namespace {

const std::vector<http::route>& routes() {
    static const auto answer = [](const http::request&) { return http::response{}; };
    static const std::vector<http::route> table{
        {"GET", "/status", answer},
        {"GET", "/api/v1/services/{name}", answer},
        {"POST", "/api/v1/services/{name}:rollback", answer},
        {"DELETE", "/api/v1/hosts/{host}/commands/{id}", answer},
    };
    return table;
}

}  // namespace

/// The target of a request: one route or none, and parameters for all its names.
void fuzz_one(std::string_view bytes) {
    http::request request;
    const auto line = bytes.substr(0, bytes.find('\n'));
    request.target = std::string{line};
    require(request.path().size() <= line.size());
    for (const auto* name : {"after", "limit", "", "a%20b"})
        if (const auto value = request.query(name)) require(value->size() <= line.size());
    for (const auto* method : {"GET", "POST", "DELETE", "BREW"}) {
        const auto routing = http::find_route(routes(), method, request.path());
        if (routing.found == nullptr) continue;
        require(routing.found->method == method);
        for (const auto& parameter : routing.parameters)
            require(!parameter.name.empty() && parameter.value.size() <= line.size());
    }
}
