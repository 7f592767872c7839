#include "agent/status_routes.hpp"

#include <memory>
#include <optional>

#include "agent/process_figures.hpp"
#include "agent/status_json.hpp"
#include "agent/status_metrics.hpp"
#include "logagent/base/bytes.hpp"
#include "logagent/base/escape.hpp"

namespace logagent::agent {

namespace {

constexpr std::size_t default_limit = 1000;
constexpr std::size_t files_per_slice = 100;

/// The body of /status: the head, then the files of one page, then the end of the object.
class status_slices {
public:
    status_slices(const status_values& values, const file_visitor& visit, std::string after,
                  std::size_t limit)
        : visit_{&visit}, walk_{visit, std::move(after)}, limit_{limit} {
        write_head(out_, values);
    }

    std::string next() {
        if (ended_) return {};
        if (!begun_) {
            begun_ = true;
            return out_.take();
        }
        if (limit_ == 0 || !more_) {
            end();
            return out_.take();
        }
        write_page(std::min(limit_, files_per_slice));
        // A page ends where the next one can begin: at a path that survives the way through JSON
        // and back.
        while (limit_ == 0 && more_ && !base::is_utf8(walk_.after()))
            write_page(1);
        if (!more_ || limit_ == 0) end();
        return out_.take();
    }

private:
    void write_page(std::size_t count) {
        std::size_t written = 0;
        more_ = walk_.next(count, [&](const tail::file_view& file) {
            write_file(out_, file);
            ++written;
        });
        limit_ -= std::min(limit_, written);
        any_ = any_ || written > 0;
    }

    bool are_there_more() const {
        bool found = false;
        if (more_ && any_)
            (*visit_)(walk_.after(), 1, [&](const tail::file_view&) { found = true; });
        return found;
    }

    void end() {
        out_.close(']');
        if (are_there_more()) out_.member("next", walk_.after());
        out_.close('}');
        ended_ = true;
    }

    const file_visitor* visit_;
    file_walk walk_;
    std::size_t limit_;
    json_writer out_;
    bool begun_ = false;
    bool more_ = true;
    bool any_ = false;
    bool ended_ = false;
};

/// Slices of an object that cannot be copied, in a function that can.
template <class Slices>
http::response sliced(std::string type, std::shared_ptr<Slices> body) {
    http::response out;
    out.fields.push_back({"Content-Type", std::move(type)});
    out.fields.push_back({"Cache-Control", "no-store"});
    out.slices = [body] { return body->next(); };
    return out;
}

http::response show_status(const status_source& from, const http::request& asked) {
    std::size_t limit = default_limit;
    if (const auto text = asked.query("limit")) {
        const auto number = base::parse_unsigned(*text);
        if (!number) return http::plain_text(400, "limit must be a number of files");
        limit = static_cast<std::size_t>(*number);
    }
    return sliced("application/json",
                  std::make_shared<status_slices>(from.values(), from.files,
                                                  asked.query("after").value_or(""), limit));
}

http::response show_ledger(const status_source& from) {
    http::response out;
    out.fields.push_back({"Content-Type", "application/json"});
    out.fields.push_back({"Cache-Control", "no-store"});
    json_writer text;
    write_ledger_page(text, from.values(), from.losses());
    out.body = text.take();
    return out;
}

http::response show_metrics(const status_source& from) {
    const auto values = from.values();
    return sliced(
        std::string{base::metrics_page::content_type},
        std::make_shared<metrics_slices>(write_metrics_head(values, read_process_figures()),
                                         values.file_count, from.files));
}

/// One line, whatever the texts hold.
http::response show_readiness(const status_source& from) {
    const auto config = from.values().config;
    if (config.state == "applied") return http::plain_text(200, "ok");
    std::string reason = "configuration: " + config.state;
    if (!config.connection.empty()) reason += "; " + config.connection;
    if (!config.errors.empty()) {
        const auto& first = config.errors.front();
        reason += "; " + first.key + ' ' + first.pointer + ": " + first.detail;
    }
    return http::plain_text(503, base::visible(reason, 1000));
}

}  // namespace

std::vector<http::route> status_routes(const status_source& from) {
    const auto* const source = &from;
    std::vector<http::route> out;
    const auto add = [&](std::string pattern, http::handler answer) {
        out.push_back({"GET", std::move(pattern), std::move(answer)});
    };
    add("/status", [source](const http::request& asked) { return show_status(*source, asked); });
    add("/ledger", [source](const http::request&) { return show_ledger(*source); });
    add("/metrics", [source](const http::request&) { return show_metrics(*source); });
    add("/healthz", [](const http::request&) { return http::plain_text(200, "ok"); });
    add("/readyz", [source](const http::request&) { return show_readiness(*source); });
    return out;
}

}  // namespace logagent::agent
