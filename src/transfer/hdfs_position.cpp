#include "transfer/hdfs_position.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

namespace logagent::transfer {

namespace json = base::json;

namespace {

constexpr std::int64_t version = 1;

base::problem newer(std::string why) {
    return {"newer", "the commit of another version: " + std::move(why) +
                         "; start that version until it has published its range"};
}

base::result<hdfs_intent> read_intent(const base::json_field& from) {
    hdfs_intent made;
    const auto first = from.at("from").value();
    const auto last = from.at("pub").value();
    made.range = {first.integer(0).value(), last.integer(0).value()};
    const auto* as = from.at("as").value().object().value();
    auto layout = hdfs_layout::from_json(*as);
    if (!layout) return newer(layout.error().text);
    made.layout = std::move(*layout);
    const auto hash = from.at("layout").value();
    if (hash.text().value() != made.layout.hash())
        return newer("its layout is not what its hash says");
    const auto id = from.at("id").value();
    made.source_id = id.text().value();
    return made;
}

}  // namespace

std::string hdfs_position::metadata() const {
    json::object all;
    all["v"] = version;
    all["epoch"] = epoch;
    if (hour) all["hour"] = *hour;
    if (intent) {
        all["from"] = intent->range.first;
        all["pub"] = intent->range.last;
        all["layout"] = intent->layout.hash();
        all["as"] = intent->layout.to_json();
        all["id"] = intent->source_id;
    }
    return json::serialize(all);
}

base::result<hdfs_position> hdfs_position::read(std::string_view metadata) {
    hdfs_position made;
    const auto parsed = base::parse_json(metadata);
    if (!parsed || !parsed->is_object() || !parsed->get_object().contains("v")) return made;
    const base::json_field all{*parsed};
    try {
        if (all.at("v").value().integer().value() != version) return newer(std::string{metadata});
        made.epoch = all.at("epoch").value().unsigned_integer().value();
        if (const auto hour = all.find("hour")) made.hour = hour->integer().value();
        if (!all.find("pub")) return made;
        auto intent = read_intent(all);
        if (!intent) return intent.error();
        if (intent->range.first <= intent->range.last) made.intent = std::move(*intent);
    } catch (const std::exception& broken) {
        return newer(broken.what());
    }
    return made;
}

}  // namespace logagent::transfer
