#pragma once

#include <boost/assert/source_location.hpp>
#include <boost/system/result.hpp>
#include <exception>
#include <iosfwd>
#include <stdexcept>
#include <string>
#include <utility>

namespace logagent::base {

/// An expected failure as a value: what the program decides on and what people read.
///
/// `code` is short, stable, lower case ("range", "not_found"): it stands in status documents and
/// metrics. `text` says what was tried, on what, and why it failed; it may hold foreign bytes and
/// is escaped by whoever shows it.
struct problem {
    std::string code;
    std::string text;

    problem() = default;
    // Not an aggregate: those can be made from one std::string, which makes result<std::string>
    // ambiguous.
    problem(std::string its_code, std::string its_text)
        : code{std::move(its_code)}, text{std::move(its_text)} {}

    bool operator==(const problem&) const = default;
};

/// "code: text".
std::ostream& operator<<(std::ostream& out, const problem& reason);

template <class T>
using result = boost::system::result<T, problem>;

/// A problem on its way up as an exception: what result<T>::value() throws.
class problem_error : public std::runtime_error {
public:
    explicit problem_error(problem reason)
        : std::runtime_error{reason.code + ": " + reason.text}, reason_{std::move(reason)} {}

    const problem& reason() const noexcept { return reason_; }

private:
    problem reason_;
};

/// Found by boost::system::result when value() is asked of a failure.
[[noreturn]] void throw_exception_from_error(const problem& reason,
                                             const boost::source_location& where);

/// One line for people about any exception; nested causes are appended, "unknown failure" for what
/// is not a std::exception, "no failure" for an empty pointer.
std::string describe(const std::exception_ptr& failure);

/// The system's text for an errno value, with its name where it helps: "Permission denied
/// (EACCES)".
std::string describe_errno(int code);

}  // namespace logagent::base
