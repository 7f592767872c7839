#include "checkpoint/record.hpp"

#include "checkpoint/recovery.hpp"
#include "logagent/checkpoint/journal.hpp"
#include "support/test.hpp"

using namespace logagent::checkpoint;

namespace {

position_record full_position() {
    position_record out;
    out.generation.bits.fill(7);
    out.topic = "topic";
    out.log_path = "/var/log/*.log";
    out.partition = 3;
    out.done = {{0, 100}, {120, 130}};
    out.size = 200;
    out.anchor = {100, 64, 0x1122334455667788};
    out.later_anchors = {{130, 10, 0x99}};
    for (std::size_t i = 0; i < byte_classes; ++i)
        out.counts[i] = i + 1;
    return out;
}

generation_record full_generation() {
    generation_record out;
    out.id.bits.fill(7);
    out.path = "/var/log/a.log";
    out.identity = {1, 2, 3, -4, 5, 6};
    out.first_seen_ms = 1'700'000'000'000;
    out.packed = true;
    return out;
}

std::string payload(frame_writer&& writer) {
    const auto frame = std::move(writer).finish(1, 2);
    return std::string{valid_frame(frame, 1, 2)};
}

/// One record by hand, with the body given.
std::string record(std::uint8_t type, const std::string& body) {
    std::string out(8, '\0');  // when it was written
    out += static_cast<char>(type);
    out += static_cast<char>(body.size());
    out += std::string(3, '\0');
    return out + body;
}

}  // namespace

TEST_CASE("every record comes back as it was", "[record]") {
    frame_writer writer{42};
    const target_record target{"/var/log/a.log", "topic", 99};
    writer.add(full_generation());
    writer.add(full_position());
    const loss_record loss{7,       full_generation().id,  "/var/log/a.log",
                           "topic", byte_class::abandoned, {10, 20},
                           10,      1'700'000'000'000,     "why"};
    writer.add(target);
    writer.add(loss);
    byte_counts retired{};
    retired[1] = 1000;
    writer.add_totals(retired);
    writer.add_snapshot_end();

    state read;
    const auto result = replay(payload(std::move(writer)), read);
    CHECK(result.error.empty());
    CHECK(result.snapshot_end);
    CHECK(read.last_stop_ms == 42);
    CHECK(read.generations.at(full_generation().id) == full_generation());
    CHECK(read.positions.at({full_position().generation, "topic"}) == full_position());
    CHECK(read.targets.at({"/var/log/a.log", "topic"}) == target);
    CHECK(read.losses.at(7) == loss);
    CHECK(read.retired == retired);
}

TEST_CASE("a record of an older program is read with the missing fields at zero", "[record]") {
    state read;
    CHECK(replay(record(1, std::string(16, '\7') + std::string{"\2\0\0\0/a", 6}), read)
              .error.empty());
    const auto& generation = read.generations.begin()->second;
    CHECK(generation.path == "/a");
    CHECK(generation.identity == file_identity{});
}

TEST_CASE("fields that a later program appended are passed over", "[record]") {
    frame_writer writer{0};
    const target_record target{"/a", "t", 5};
    writer.add(target);
    auto bytes = payload(std::move(writer));
    bytes[9] = static_cast<char>(bytes[9] + 3);  // the length, behind time and type
    bytes += "new";
    state read;
    CHECK(replay(bytes, read).error.empty());
    CHECK(read.targets.at({"/a", "t"}) == target);
}

TEST_CASE("a record of an unknown type is an error", "[record]") {
    state read;
    CHECK(replay(record(0, ""), read).error == "record type 0 is unknown");
    CHECK(replay(record(9, ""), read).error == "record type 9 is unknown");
}

TEST_CASE("nonsense in a record never reads beyond it", "[record]") {
    for (std::uint8_t type = 1; type <= 7; ++type) {
        for (std::size_t size = 0; size < 80; ++size) {
            state read;
            CHECK(replay(record(type, std::string(size, '\xFF')), read).error.empty());
        }
    }
}

TEST_CASE("a frame is valid only in its file and at its place", "[record]") {
    frame_writer writer{1};
    writer.add(full_generation());
    const auto frame = std::move(writer).finish(100, 5);
    CHECK_FALSE(valid_frame(frame, 100, 5).empty());
    CHECK_FALSE(valid_frame(frame + "more", 100, 5).empty());
    CHECK(valid_frame(frame, 100, 6).empty());
    CHECK(valid_frame(frame, 101, 5).empty());
    CHECK(valid_frame(std::string(1000, '\0'), 100, 5).empty());
    for (std::size_t size = 0; size < frame.size(); ++size)
        CHECK(valid_frame(std::string_view{frame}.substr(0, size), 100, 5).empty());
}

TEST_CASE("a header says who wrote the file and is checked", "[record]") {
    header given;
    given.seed = 77;
    given.writer = "1.2.3";
    const auto bytes = encode(given);
    REQUIRE(bytes.size() == header_size);
    header read;
    REQUIRE(decode(bytes, read));
    CHECK(read.version == format_version);
    CHECK(read.seed == 77);
    CHECK(read.writer == "1.2.3");
    for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
        auto damaged = bytes;
        damaged[bit / 8] = static_cast<char>(damaged[bit / 8] ^ (1 << (bit % 8)));
        CHECK_FALSE(decode(damaged, read));
    }
    given.writer = std::string(100, 'x');
    REQUIRE(decode(encode(given), read));
    CHECK(read.writer == std::string(32, 'x'));
}

TEST_CASE("the example of the format's page is what the program writes", "[record]") {
    header head;
    head.seed = 0x0123456789abcdef;
    head.writer = "0.1.0";
    frame_writer writer{1'700'000'000'000};
    writer.add(target_record{"/a.log", "t", 1'600'000'000'000});
    writer.add_snapshot_end();
    const auto bytes = encode(head) + std::move(writer).finish(head.seed, 0);
    std::string hex;
    for (const char byte : bytes) {
        constexpr auto digits = "0123456789abcdef";
        hex += digits[static_cast<std::uint8_t>(byte) >> 4];
        hex += digits[byte & 15];
    }
    CHECK(hex ==
          "4c4f4741474a524e0100000040000000efcdab8967452301302e312e3000000000000000000000"
          "0000000000000000000000000000000000c9e22c305dbecf48b683bbf251c8f1e1290000000068"
          "e5cf8b0100000317000000060000002f612e6c6f67010000007400806e87740100000700000000");
}

TEST_CASE("a file of a newer format is refused with the version that wrote it", "[record]") {
    header newer;
    newer.version = format_version + 1;
    newer.writer = "9.8.7";
    try {
        recover(encode(newer) + "whatever", "positions.journal");
        FAIL("it was read");
    } catch (const unusable_state& refusal) {
        const std::string text = refusal.what();
        CHECK(text.find("positions.journal has format 2, written by logagent 9.8.7") == 0);
    }
}
