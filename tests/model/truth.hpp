#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <stdexcept>
#include <string>
#include <unordered_map>
#include <vector>

#include "logagent/checkpoint/state.hpp"
#include "logagent/fleet/log_target.hpp"
#include "logagent/kafka/error.hpp"
#include "tail/fake_broker.hpp"
#include "tail/fake_disk.hpp"

namespace logagent::test {

/// A promise of the product does not hold.
struct broken_promise : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Every byte that was ever written to every life of every file, and what became of it.
///
/// A life is what one inode holds from its birth or last truncation on. Each line is unique, so a
/// record that reaches the cluster names the line it must be.
class truth {
public:
    static constexpr std::size_t none = ~std::size_t{0};

    /// What the target of a log does with its lines.
    struct shape {
        bool filtered = false;     // see is_filtered()
        bool keeps_blank = false;  // blank lines are sent; then each of them is unique
        bool grouped = false;      // lines that begin with '+' belong to the one before
        std::optional<fleet::oversize_policy> oversize{};  // of lines that exceed longest_line
    };
    static constexpr std::uint32_t longest_line = 1000;

    /// Pieces of a line.
    class pieces {
    public:
        void add(std::uint64_t begin, std::uint64_t end);
        bool cover(std::uint64_t begin, std::uint64_t end) const;

    private:
        std::map<std::uint64_t, std::uint64_t> ends_;  // by where they begin
    };

    struct line {
        std::string text;         // without the line end
        std::size_t life = none;  // index
        std::uint64_t begin = 0;
        std::uint64_t text_begin = 0;  // behind NULs that a writer left
        std::uint64_t text_end = 0;
        std::uint64_t end = 0;  // after the line end
        bool blank = false;     // and not sent
        bool filtered = false;
        std::uint64_t cut = 0;  // bytes of the text that its record did not have
        pieces in_kafka;        // where it was split
        pieces told;            // of them, what the process `told_in` knows
        std::uint64_t told_in = 0;
        bool unended = false;       // the last of a file, without a line end
        bool excused = false;       // may be missing: nobody could have read it
        bool left_out = false;      // a first application of its target does not want it
        bool poison = false;        // the cluster refuses it for ever
        bool refused = false;       // by itself, so that it belongs to the dead letters
        bool may_repeat = false;    // something happened after which it may be sent once more
        bool sent = false;          // at least once, by whichever process
        std::uint64_t call = 0;     // of the client, that it was last sent with
        std::uint64_t sent_in = 0;  // the reading it was last sent in; see begin_reading()
        std::uint32_t waiting[2] = {0, 0};  // sent and not reported, by client
        std::vector<std::size_t> at;        // indices of its copies in fake_broker::stored
        bool buried = false;                // in the dead letter topic
        std::uint64_t crashes = 0;          // before it was written
        std::uint64_t crashes_at_last_copy = 0;
        std::map<std::string, std::uint64_t> known;  // by topic: the last process that was told
        bool known_in(const std::string& topic, std::uint64_t process) const {
            const auto found = known.find(topic);
            return filtered || (found != known.end() && found->second == process);
        }
    };
    /// Another file with its first bytes.
    struct copied {
        std::shared_ptr<fake_disk::node> file;
        std::uint64_t to = 0;
    };
    struct life {
        std::string log;  // the path it was born at
        truth::shape shape;
        std::shared_ptr<fake_disk::node> file;
        std::string bytes;
        std::vector<std::size_t> lines;
        bool truncated = false;       // its bytes are in no file any more
        bool unwanted = false;        // moved away before anybody asked for it
        bool stopped = false;         // while it was there, its target was stopped or changed
        bool hole = false;            // NULs of a writer that kept its offset over a truncation
        std::string generation;       // the agent's name for it, from its first record on
        std::set<std::string> names;  // all it ever had, where power cuts took one
        std::shared_ptr<fake_disk::node> packed;  // its compressed form, where the agent knows it
        bool kept() const { return file->links > 0 || (packed && packed->links > 0); }
        std::vector<copied> copies;
        bool gone() const { return truncated || !kept(); }
        /// In whichever file that has a name.
        std::uint64_t readable_to() const {
            std::uint64_t to = 0;
            if (!truncated && file->links > 0) to = bytes.size();
            for (const auto& each : copies)
                if (each.file->links > 0) to = std::max(to, each.to);
            return to;
        }
    };

    std::vector<line> lines;
    std::vector<life> lives;
    std::uint64_t crashes = 0;
    std::set<std::string> unordered;  // logs that were sent to several partitions or topics
    std::set<std::string> jumping;    // logs whose newest lines came first for a while
    /// Where jumps led to, by generation: what lies behind may come before what lies in front.
    std::map<std::string, std::set<std::uint64_t>> jumps;

    // What writers do.
    std::size_t born(const std::string& log, std::shared_ptr<fake_disk::node> file,
                     const shape& of);
    /// A new unique line text of about `size` bytes. 0: a blank one.
    std::string new_text(std::size_t size, const shape& of);
    /// `text` and the line end (which may be "", "\n" or "\r\n") now stand at the end of the life;
    /// `before` bytes of the text stood there already.
    void wrote(std::size_t life, std::string text, std::string_view end, std::size_t before = 0);
    /// Bytes that are no line (yet): half a line, a hole. They belong to the next line.
    void wrote_bytes(std::size_t life, std::string_view bytes);
    /// The content is gone. `held`: a process that has read it still has it in memory.
    void lost(std::size_t life, bool held);
    /// A target is applied for the first time and begins behind what is there.
    void leave_out(std::size_t life);

    // What the agent and the cluster do.
    void taken(const stored_record& record);
    void stored(const stored_record& record, std::size_t index);
    void delivered(const stored_record& record, std::uint64_t process);
    void failed(const stored_record& record, kafka::error code);
    void abandoned(bool careful);
    /// Whatever is known about `log` is read anew: by another process or another target.
    void begin_reading(const std::string& log);
    /// A process has ended.
    void process_ended();
    /// The next one found `kept`.
    void process_began(const checkpoint::state& kept, bool generations_may_be_lost);
    /// Its target was stopped, returns, or sends to another topic.
    void read_anew(const std::string& log, bool other_topic = false);
    bool is_poison(const stored_record& record) const;
    /// What `keep` and `drop` of such a target leave out: numbers that end in 3 or 9.
    static bool is_filtered(const std::string& text);

    /// Bytes [0, committed) of that generation are where they ought to be. `counts` null = no view.
    void check_committed(const std::string& generation, std::uint64_t committed,
                         const checkpoint::byte_counts* counts);
    /// The same of what was sent before what lies in front of it.
    void check_settled(const std::string& generation, const checkpoint::range& where);
    /// With everything healed and read: nothing is missing, everything is in order.
    void check_complete() const;

    std::string describe(const line& which) const;
    /// `none` before its first record was sent.
    std::size_t life_of(const std::string& generation) const;

private:
    struct progress {
        std::size_t lines = 0;  // looked at so far
        std::uint64_t to = 0;
        std::uint64_t blank = 0;
        std::uint64_t sent = 0;
        std::uint64_t filtered = 0;
        std::uint64_t cut = 0;
        std::uint64_t returns = 0;  // may be counted as cut, or not
    };
    /// The lines that a record says it has.
    struct place {
        std::string generation;
        std::string path;
        std::uint64_t begin = 0;
        std::uint64_t end = 0;
        std::size_t prefix = 0;  // of its key, up to the offsets
        std::size_t life = none;
        std::vector<std::size_t> lines;
    };
    place place_of(const stored_record& record) const;
    std::size_t life_by_text(const stored_record& record, const place& of) const;
    void check_record(const stored_record& record, const place& of);
    void check_value(const stored_record& record, const place& of);
    void check_counts(const life& in, const progress& seen, std::uint64_t partly,
                      const checkpoint::byte_counts& counts) const;
    void check_order() const;
    bool jumped_between(const line& one, const line& next) const;
    void resent(const life& in);
    static bool acceptable(const line& which);
    /// `kept` knows of its bytes only line ends and spaces.
    static bool known_blank(const life& which, const checkpoint::state& kept);

    std::unordered_map<std::string, std::size_t> by_text_;  // its first characters
    std::unordered_map<std::string, std::size_t> by_generation_;
    std::map<std::string, std::uint64_t> readings_;
    std::map<std::string, progress> checked_;
    std::uint64_t next_serial_ = 1;
    std::uint64_t crashes_at_begin_ = 0;
};

}  // namespace logagent::test
