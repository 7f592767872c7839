#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace logagent::transfer {

/// What a server said about one document, or about a request as a whole.
struct bulk_failure {
    unsigned status = 0;
    std::string type;    // "mapper_parsing_exception"; empty = it told none
    std::string reason;  // one line
};

/// The part of a _bulk answer that is asked for, as the query of the request.
inline constexpr std::string_view bulk_filter =
    "filter_path=errors,error.type,error.reason,"
    "items.*.status,items.*.error.type,items.*.error.reason";

/// "400 mapper_parsing_exception: failed to parse".
std::string text_of(const bulk_failure& said);

/// What became of the documents of a request.
struct bulk_answer {
    bool all_stored = false;          // then `items` is empty
    std::vector<bulk_failure> items;  // one for each document, in the order of the request
};

/// Reads the answer to a request of `sent` documents. Nothing where it is no such answer or does
/// not speak of `sent` documents: then nobody knows what became of any of them. That all of them
/// were stored costs a look at each status, and no parsing.
std::optional<bulk_answer> read_bulk_answer(std::string_view body, std::size_t sent);

/// The `error` of an answer that refuses the request as a whole; type and reason may be empty.
bulk_failure read_request_failure(unsigned status, std::string_view body);

/// What is to be done about a document.
enum class item_verdict : std::uint8_t {
    stored,
    there_already,  // created before, by us or by whoever sent it first
    overloaded,     // again, later, and fewer at a time
    unavailable,    // again, later: the shard or the node had a problem
    blocked,        // again, for ever: somebody has to open, unlock, allow or enlarge something
    refused,        // never: a dead letter
};

/// `closed_is_refused`: documents for a closed index are dead letters instead of waiting for it.
item_verdict judge_item(const bulk_failure& said, bool closed_is_refused);

/// What is to be done about a request.
enum class request_verdict : std::uint8_t {
    read_items,   // there is an answer for each document
    overloaded,   // again, later, and less at a time
    too_large,    // in two halves
    malformed,    // in two halves, until the document is found that does it
    denied,       // user, password or key: again, for ever
    misplaced,    // this address does not take documents: again, for ever
    unavailable,  // again, at another node
};

request_verdict judge_request(unsigned status, std::string_view type);

/// A request that alone is larger than what the server lets be in work (its indexing pressure), so
/// that it can never be taken.
bool never_fits(std::string_view reason);

/// Seconds of a Retry-After field, 60 at most; 0 where there is none, or a date.
std::chrono::seconds retry_after(std::string_view field);

}  // namespace logagent::transfer
