#include <boost/json/serialize.hpp>
#include <string>
#include <vector>

#include "etcd/codec.hpp"
#include "etcd/message_reader.hpp"
#include "fuzz/fuzz.hpp"

namespace etcd = logagent::etcd;
using status = etcd::message_reader::status;

namespace {

constexpr std::size_t limit = 64 << 10;

/// The messages of a body that comes in pieces of this size.
std::vector<boost::json::value> messages(std::string_view body, std::size_t piece) {
    etcd::message_reader reader{limit};
    std::vector<boost::json::value> out;
    while (!body.empty()) {
        auto part = body.substr(0, piece);
        body.remove_prefix(part.size());
        while (!part.empty()) {
            const auto got = reader.feed(part);
            if (got == status::complete) out.push_back(reader.take());
            if (got == status::too_long || got == status::broken) return out;
        }
    }
    return out;
}

template <class Read>
void try_read(Read read) {
    try {
        read();
    } catch (const etcd::bad_answer&) {
        // the one way out for what has another shape
    }
}

}  // namespace

/// The body of a watch: messages do not depend on how it was cut, and each is read or refused.
void fuzz_one(std::string_view bytes) {
    if (bytes.empty()) return;
    const auto piece = static_cast<std::size_t>(static_cast<unsigned char>(bytes[0])) + 1;
    const auto body = bytes.substr(1);
    const auto whole = messages(body, body.size() + 1);
    const auto cut = messages(body, piece);
    require(whole.size() == cut.size());
    for (std::size_t i = 0; i < whole.size(); ++i) {
        require(boost::json::serialize(whole[i]) == boost::json::serialize(cut[i]));
        try_read([&] { etcd::read_event(whole[i]); });
        const auto* object = whole[i].if_object();
        if (!object) continue;
        try_read([&] { etcd::read_watch(*object); });
        try_read([&] { etcd::read_range(*object); });
        try_read([&] { etcd::read_txn(*object); });
        try_read([&] { etcd::read_lease(*object); });
    }
    require(!etcd::read_error(400, body).text.empty() || body.empty());
}
