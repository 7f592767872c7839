#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "logagent/base/error.hpp"
#include "logagent/transfer/document.hpp"

namespace logagent::transfer {

/// The names of indices: "logs-{service}-{yyyy.MM.dd}".
///
/// {service}, {host} and {topic} are what the document says, made fit for a name: lower case, and
/// "_" for what no name may hold; "unknown" where the document does not say. Braces with any of
/// yyyy, MM, dd and HH hold the event's time in UTC. The same document always has the same index.
class index_pattern {
public:
    /// Code "index". Also refuses what would leave too few of the 255 bytes of a name for a word.
    static base::result<index_pattern> parse(std::string_view text);

    /// At most 255 bytes, as Elasticsearch wants them. Words are cut, never what stands behind
    /// them: two days stay two indices.
    std::string name(const document& of, std::string_view topic) const;

    /// Whether names tell hosts apart.
    bool has_host() const noexcept;
    /// The indices of the pattern: "logs-*-*".
    std::string wildcard() const;
    /// How much of it is fixed, in bytes: of two patterns that overlap, more of it is the nearer.
    std::size_t literal_bytes() const;

private:
    enum class kind { literal, service, host, topic, time };
    struct part {
        kind what;
        std::string text;  // of a literal; the format of a time
    };

    static base::result<part> parse_braces(std::string_view inside);

    base::result<void> share_out();

    std::vector<part> parts_;
    std::size_t word_bytes_ = 0;  // of a service, host or topic, at most
};

/// The names that a pattern gives, made anew only when what decides them changes: records come in
/// runs of one service and hour.
class index_names {
public:
    /// `pattern` must outlive it.
    explicit index_names(const index_pattern& pattern) : pattern_{pattern} {}

    const std::string& of(const document& what, std::string_view topic);

private:
    const index_pattern& pattern_;
    std::int64_t hour_ = -1;
    std::string service_, host_, topic_;
    std::string name_;  // of these; empty = of none yet
};

}  // namespace logagent::transfer
