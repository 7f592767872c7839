#include "logagent/base/error.hpp"

#include <boost/throw_exception.hpp>
#include <cstring>
#include <ostream>

namespace logagent::base {

void throw_exception_from_error(const problem& reason, const boost::source_location& where) {
    boost::throw_exception(problem_error{reason}, where);
}

std::ostream& operator<<(std::ostream& out, const problem& reason) {
    return out << reason.code << ": " << reason.text;
}

std::string describe(const std::exception_ptr& failure) {
    if (!failure) return "no failure";
    try {
        std::rethrow_exception(failure);
    } catch (const std::exception& error) {
        std::string text = error.what();
        try {
            std::rethrow_if_nested(error);
        } catch (...) {
            text += ": " + describe(std::current_exception());
        }
        return text;
    } catch (...) {
        return "unknown failure";
    }
}

std::string describe_errno(int code) {
    char room[128];
    std::string text = ::strerror_r(code, room, sizeof room);
    if (const char* name = ::strerrorname_np(code)) text += std::string{" ("} + name + ")";
    return text;
}

}  // namespace logagent::base
