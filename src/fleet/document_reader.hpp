#pragma once

#include <boost/json/object.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "logagent/base/json.hpp"
#include "logagent/fleet/host.hpp"

namespace logagent::fleet {

/// What becomes of a field that nobody knows.
struct unknown_fields {
    bool refuse = false;
    const boost::json::object* stored = nullptr;  // accepted where equal, kept in any case
};

/// Reads the members of one JSON object and remembers everything that is wrong with them.
class document_reader {
public:
    /// Borrows all three.
    document_reader(const base::json_field& field, const boost::json::object& members,
                    std::vector<entry_error>& errors)
        : field_{&field}, members_{&members}, errors_{&errors} {}

    void complain(std::string_view member, std::string code, std::string text);
    void complain(const base::json_error& error);

    /// Text of at most `most` bytes without control characters; absent = untouched. `lines`: line
    /// ends and tabs are allowed.
    void text(std::string_view name, std::string& into, std::size_t most, bool lines = false);
    void boolean(std::string_view name, bool& into);
    void texts(std::string_view name, std::vector<std::string>& into, std::size_t most_items,
               std::size_t most_bytes);
    void labels(std::string_view name, label_map& into);
    void integer(std::string_view name, std::int64_t& into);

    /// The member as an object or array; nullopt if absent or of another kind (then complained of).
    std::optional<base::json_field> object(std::string_view name);
    std::optional<base::json_field> array(std::string_view name);

    /// Judges members that `known` does not hold, and returns those that the document keeps.
    boost::json::object unknown(std::initializer_list<std::string_view> known,
                                const unknown_fields& rule);

private:
    std::optional<base::json_field> find(std::string_view name) const { return field_->find(name); }

    const base::json_field* field_;
    const boost::json::object* members_;
    std::vector<entry_error>* errors_;
};

/// Adds the members of `extra` in the order of their names, so that equal documents have equal
/// bytes.
void append_extra(boost::json::object& out, const boost::json::object& extra);

/// Judges the fields of `extra`, which stand at `pointer`, as document_reader::unknown() does.
boost::json::object judge_unknown(boost::json::object extra, const std::string& pointer,
                                  const unknown_fields& rule, std::vector<entry_error>& errors);

/// A name of a service or source: 1 to 64 of a-z A-Z 0-9 . _ -, a letter or digit first. Empty text
/// = it is one.
std::string name_problem(std::string_view name);

}  // namespace logagent::fleet
