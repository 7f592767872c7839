#include "transfer/hdfs_publication.hpp"

#include "support/test.hpp"

namespace logagent::transfer {
namespace {

using step = hdfs_publication::step;

hdfs_file_status file_of(std::uint64_t length) {
    return {false, length};
}
constexpr hdfs_file_status directory{true, 0};

/// A file of 100 bytes that stands under its temporary name, checked.
hdfs_publication built(bool compressed, bool repeated, std::uint64_t length = 100) {
    hdfs_publication way{100, compressed, repeated};
    if (repeated) way.looked(std::nullopt);
    way.created(length);
    way.checked(file_of(length));
    way.made_directory();
    return way;
}

TEST_CASE("a file is made, checked, renamed and looked up", "[transfer][hdfs]") {
    hdfs_publication way{100, false, false};
    CHECK(way.next() == step::create);
    way.created(100);
    CHECK(way.next() == step::check);
    way.checked(file_of(100));
    CHECK(way.next() == step::make_directory);
    way.made_directory();
    CHECK(way.next() == step::rename);
    way.renamed(true);
    CHECK(way.next() == step::look);
    way.looked(file_of(100));
    CHECK(way.next() == step::finished);
    CHECK_FALSE(way.left_copy());
    CHECK_FALSE(way.was_there());
}

TEST_CASE("a file that is shorter than what was sent is made again", "[transfer][hdfs]") {
    hdfs_publication way{100, false, false};
    way.created(100);
    SECTION("its DataNode died") {
        way.checked(file_of(0));
    }
    SECTION("a part is missing") {
        way.checked(file_of(99));
    }
    SECTION("it is not there") {
        way.checked(std::nullopt);
    }
    CHECK(way.next() == step::create);
}

TEST_CASE("RENAME says no since it was done before: nothing is made twice", "[transfer][hdfs]") {
    auto way = built(false, false);
    way.renamed(false);  // the answer to the first one was lost
    way.looked(file_of(100));
    CHECK(way.next() == step::finished);
    CHECK(way.left_copy());  // a try to remove what is not there does no harm
}

TEST_CASE("RENAME says no since the parent or the file is gone", "[transfer][hdfs]") {
    auto way = built(false, false);
    way.renamed(false);
    way.looked(std::nullopt);
    CHECK(way.next() == step::check);
    SECTION("the parent: made again") {
        way.checked(file_of(100));
        CHECK(way.next() == step::make_directory);
    }
    SECTION("the file: made again") {
        way.checked(std::nullopt);
        CHECK(way.next() == step::create);
    }
}

TEST_CASE("another file with the name is an obstacle until it is moved away", "[transfer][hdfs]") {
    auto way = built(false, false);
    way.renamed(false);
    way.looked(file_of(7));
    CHECK(way.next() == step::look);
    CHECK(way.obstacle() == "a file of 7 bytes has that name, ours has 100 bytes");
    way.looked(directory);
    CHECK(way.obstacle() == "a directory has that name");
    way.looked(std::nullopt);
    CHECK(way.obstacle().empty());
    CHECK(way.next() == step::check);
}

TEST_CASE("a range that was begun before looks for its files first", "[transfer][hdfs]") {
    hdfs_publication way{100, false, true};
    CHECK(way.next() == step::look_before);
    SECTION("not there: it is made") {
        way.looked(std::nullopt);
        CHECK(way.next() == step::create);
    }
    SECTION("there: done") {
        way.looked(file_of(100));
        CHECK(way.next() == step::finished);
        CHECK(way.was_there());
        CHECK_FALSE(way.left_copy());
    }
    SECTION("there, with more than Kafka still has") {
        way.looked(file_of(300));
        CHECK(way.next() == step::finished);
    }
    SECTION("there, with less: that is not ours") {
        way.looked(file_of(99));
        CHECK(way.next() == step::look_before);
        CHECK_FALSE(way.obstacle().empty());
    }
    SECTION("a directory") {
        way.looked(directory);
        CHECK_FALSE(way.obstacle().empty());
    }
}

TEST_CASE("a packed file that was begun before may have another length", "[transfer][hdfs]") {
    hdfs_publication way{100, true, true};
    way.looked(file_of(31));
    CHECK(way.next() == step::finished);
}

TEST_CASE("a packed file has the length that was sent", "[transfer][hdfs]") {
    auto way = built(true, false, 40);
    way.renamed(false);
    way.looked(file_of(41));
    CHECK_FALSE(way.obstacle().empty());
    way.looked(file_of(40));
    CHECK(way.next() == step::finished);
}

}  // namespace
}  // namespace logagent::transfer
