#include "fuzz/fuzz.hpp"
#include "transfer/elasticsearch_answer.hpp"

namespace transfer = logagent::transfer;

/// The answer to a _bulk request: it speaks of each document, or of none. The first byte says how
/// many were sent.
void fuzz_one(std::string_view bytes) {
    if (bytes.empty()) return;
    const std::size_t sent = static_cast<unsigned char>(bytes[0]) % 8 + 1;
    const auto body = bytes.substr(1);
    if (const auto answer = transfer::read_bulk_answer(body, sent)) {
        require(answer->all_stored ? answer->items.empty() : answer->items.size() == sent);
        for (const auto& item : answer->items) {
            transfer::judge_item(item, true);
            require(transfer::text_of(item).find('\n') == std::string::npos);
        }
    }
    const auto whole = transfer::read_request_failure(400, body);
    transfer::judge_request(whole.status, whole.type);
    transfer::never_fits(whole.reason);
    require(transfer::retry_after(body) <= std::chrono::seconds{60});
}
