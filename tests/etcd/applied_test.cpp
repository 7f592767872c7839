#include "etcd/applied.hpp"

#include "support/test.hpp"

namespace etcd = logagent::etcd;
using etcd::applied;
using verdict = applied::verdict;

namespace {

etcd::event put(const std::string& key, std::int64_t revision) {
    etcd::event made;
    made.entry.key = key;
    made.entry.mod_revision = revision;
    return made;
}

etcd::event removed(const std::string& key, std::int64_t revision) {
    auto made = put(key, revision);
    made.what = etcd::event::kind::removed;
    return made;
}

etcd::key_value entry(const std::string& key, std::int64_t revision) {
    return put(key, revision).entry;
}

/// The answer to applied::questions(): exact keys give one part each, prefixes two.
etcd::txn_result answer(std::int64_t revision, std::vector<std::int64_t> newest,
                        std::int64_t count = -1) {
    etcd::txn_result made;
    made.header = {7, revision};
    for (const auto one : newest) {
        etcd::range_result part;
        if (one > 0) part.keys.push_back(entry("k", one));
        made.answers.push_back(part);
    }
    if (count >= 0) {
        etcd::range_result part;
        part.count = count;
        made.answers.push_back(part);
    }
    return made;
}

applied exact() {
    applied made{{{"k", false}}, 0, 0};
    made.snapshot({7, 10}, {{entry("k", 8)}});
    return made;
}

}  // namespace

TEST_CASE("events at or below the snapshot, and second copies, are ignored", "[etcd]") {
    auto state = exact();
    CHECK(state.next_revision(0) == 11);
    CHECK_FALSE(state.take(0, put("k", 10)));
    CHECK(state.take(0, put("k", 12)));
    state.message_done(0, false);
    CHECK_FALSE(state.take(0, put("k", 12)));
    CHECK_FALSE(state.take(0, put("k", 11)));
    CHECK(state.take(0, removed("k", 13)));
    state.message_done(0, false);
    CHECK(state.next_revision(0) == 14);
}

TEST_CASE("a fragment completes only the revisions before its newest", "[etcd]") {
    applied state{{{"p/", true}}, 0, 0};
    state.snapshot({7, 10}, {{}});
    CHECK(state.take(0, put("p/a", 11)));
    CHECK(state.take(0, put("p/b", 12)));
    state.message_done(0, true);
    CHECK(state.next_revision(0) == 12);  // revision 12 may have more events
    CHECK(state.take(0, put("p/c", 12)));
    state.message_done(0, false);
    CHECK(state.next_revision(0) == 13);
}

TEST_CASE("each range resumes where its own events ended", "[etcd]") {
    applied state{{{"a", false}, {"b", false}}, 0, 0};
    state.snapshot({7, 10}, {{}, {}});
    CHECK(state.take(0, put("a", 20)));
    state.message_done(0, false);
    CHECK(state.next_revision(0) == 21);
    CHECK(state.next_revision(1) == 11);
    CHECK(state.take(1, put("b", 15)));
    CHECK(state.revision() == 20);
}

TEST_CASE("a cluster that went back or is another one does not continue ours", "[etcd]") {
    const auto state = exact();
    CHECK(state.continues({7, 10}));
    CHECK_FALSE(state.continues({7, 9}));
    CHECK_FALSE(state.continues({8, 100}));
    CHECK(state.older({7, 9}));
    CHECK_FALSE(state.older({7, 10}));
    CHECK_FALSE(state.older({8, 1}));
    CHECK(applied{{{"k", false}}, 7, 30}.older({7, 29}));
}

TEST_CASE("a comparison finds what the stream kept back", "[etcd]") {
    auto state = exact();
    CHECK(state.compare(answer(15, {8}), 10) == verdict::same);
    CHECK(state.compare(answer(15, {12}), 10) == verdict::differs);
    CHECK(state.compare(answer(15, {0}), 10) == verdict::differs);  // deleted
    CHECK(state.compare(answer(15, {5}), 10) == verdict::differs);  // another history
    CHECK(state.compare(answer(9, {8}), 10) == verdict::other_past);
    CHECK(state.compare(etcd::txn_result{}, 0) == verdict::other_past);
    CHECK(state.compare(answer(15, {}), 10) == verdict::differs);  // cut short

    CHECK(state.take(0, put("k", 12)));
    state.message_done(0, false);
    CHECK(state.compare(answer(15, {12}), 10) == verdict::same);
    // An event that came after the answer was made is no difference.
    CHECK(state.compare(answer(11, {8}), 10) == verdict::same);
}

TEST_CASE("a prefix is compared by its newest revision and its number of keys", "[etcd]") {
    applied state{{{"p/", true}}, 0, 0};
    state.snapshot({7, 10}, {{entry("p/a", 3), entry("p/b", 4)}});
    CHECK(state.compare(answer(15, {4}, 2), 10) == verdict::same);
    CHECK(state.compare(answer(15, {4}, 1), 10) == verdict::differs);
    CHECK(state.compare(answer(15, {11}, 2), 10) == verdict::differs);
    CHECK(state.take(0, removed("p/a", 20)));
    state.message_done(0, false);
    CHECK(state.compare(answer(15, {4}, 2), 10) == verdict::same);  // asked before the removal
    CHECK(state.compare(answer(20, {4}, 1), 10) == verdict::same);
    CHECK(state.compare(answer(20, {4}, 2), 10) == verdict::differs);
}
