#pragma once

#include <boost/json/error.hpp>
#include <boost/json/value_stack.hpp>
#include <cmath>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "logagent/base/json.hpp"

namespace logagent::base {

inline constexpr std::size_t most_faults = 10'000;

/// The member names of one object. Few are compared one by one; many go into a tree, because a hash
/// table could be made slow by whoever writes the document.
class name_set {
public:
    void clear() {
        used_ = 0;
        many_.clear();
    }

    /// Whether `name` was new.
    bool insert(std::string_view name) {
        if (!many_.empty()) return many_.emplace(name).second;
        for (std::size_t i = 0; i < used_; ++i)
            if (few_[i] == name) return false;
        if (used_ == few_at_most) {
            for (auto& known : few_)
                many_.insert(known);
            return many_.emplace(name).second;
        }
        if (used_ == few_.size()) few_.emplace_back();
        few_[used_++].assign(name);
        return true;
    }

private:
    static constexpr std::size_t few_at_most = 16;

    std::vector<std::string> few_;  // strings stay allocated for the next object of this depth
    std::size_t used_ = 0;
    std::set<std::string, std::less<>> many_;
};

/// One open object or array on the way down to where the parser stands.
struct frame {
    bool is_object = false;
    bool in_member = false;  // an object whose current member has its name
    std::size_t index = 0;
    std::string name;
    name_set names;
};

/// Builds the value as the library's own handler does, and watches what it would let pass.
class strict_handler {
public:
    static constexpr std::size_t max_object_size = json::object::max_size();
    static constexpr std::size_t max_array_size = json::array::max_size();
    static constexpr std::size_t max_key_size = json::string::max_size();
    static constexpr std::size_t max_string_size = json::string::max_size();

    using error_code = boost::system::error_code;
    using text = boost::json::string_view;

    bool on_document_begin(error_code&) {
        values.reset();
        return true;
    }
    bool on_document_end(error_code&) { return true; }

    bool on_object_begin(error_code&) {
        open(true);
        return true;
    }
    bool on_object_end(std::size_t size, error_code&) {
        values.push_object(size);
        close();
        return true;
    }
    bool on_array_begin(error_code&) {
        open(false);
        return true;
    }
    bool on_array_end(std::size_t size, error_code&) {
        values.push_array(size);
        close();
        return true;
    }

    bool on_key_part(text part, std::size_t, error_code&) {
        values.push_chars(part);
        key_.append(part.data(), part.size());
        return true;
    }
    bool on_key(text part, std::size_t, error_code& ec) {
        values.push_key(part);
        key_.append(part.data(), part.size());
        return name_read(ec);
    }
    bool on_string_part(text part, std::size_t, error_code&) {
        values.push_chars(part);
        has_nul_ |= part.find('\0') != part.npos;
        return true;
    }
    bool on_string(text part, std::size_t, error_code& ec) {
        values.push_string(part);
        has_nul_ |= part.find('\0') != part.npos;
        if (std::exchange(has_nul_, false) && !fault("nul", "the text holds a NUL character", ec))
            return false;
        return value_read();
    }

    bool on_number_part(text part, error_code&) {
        fraction_ |= part.find_first_of(".eE") != part.npos;
        return true;
    }
    bool on_int64(std::int64_t value, text, error_code&) {
        values.push_int64(value);
        return number_read();
    }
    bool on_uint64(std::uint64_t value, text, error_code&) {
        values.push_uint64(value);
        return number_read();
    }
    bool on_double(double value, text part, error_code& ec) {
        on_number_part(part, ec);
        values.push_double(std::isfinite(value) ? value : 0.0);
        if (!std::isfinite(value) && !fault("number", "the number is too large", ec)) return false;
        if (!fraction_ && !fault("number", "the integer does not fit into 64 bits", ec))
            return false;
        return number_read();
    }
    bool on_bool(bool value, error_code&) {
        values.push_bool(value);
        return value_read();
    }
    bool on_null(error_code&) {
        values.push_null();
        return value_read();
    }
    bool on_comment_part(text, error_code&) { return true; }
    bool on_comment(text, error_code&) { return true; }

    std::string pointer() const {
        std::string out;
        for (std::size_t i = 0; i < depth_; ++i) {
            if (!frames_[i].is_object) {
                append_pointer(out, frames_[i].index);
            } else if (frames_[i].in_member) {
                append_pointer(out, frames_[i].name);
            }
        }
        return out;
    }

    json::value_stack values;
    bool collect = false;
    std::optional<json_error> failure;  // set where on_...() returned false
    std::vector<json_error> faults;

private:
    void open(bool is_object) {
        if (depth_ == frames_.size()) frames_.emplace_back();
        auto& top = frames_[depth_++];
        top.is_object = is_object;
        top.in_member = false;
        top.index = 0;
        top.names.clear();
    }

    void close() {
        --depth_;
        value_read();
    }

    bool number_read() {
        fraction_ = false;
        return value_read();
    }

    bool value_read() {
        if (depth_ == 0) return true;
        auto& top = frames_[depth_ - 1];
        top.in_member = false;
        ++top.index;
        return true;
    }

    bool name_read(error_code& ec) {
        auto& top = frames_[depth_ - 1];
        top.name.swap(key_);
        key_.clear();
        top.in_member = true;
        if (top.name.find('\0') != top.name.npos &&
            !fault("nul", "the name holds a NUL character", ec))
            return false;
        return top.names.insert(top.name) ||
               fault("duplicate_key", "the name is there twice in its object", ec);
    }

    bool fault(std::string code, std::string words, error_code& ec) {
        json_error found{pointer(), std::move(code), std::move(words), 0};
        if (collect && faults.size() < most_faults) {
            faults.push_back(std::move(found));
            return true;
        }
        failure = std::move(found);
        ec = json::error::exception;  // any code ends the parse; `failure` tells which one it is
        return false;
    }

    std::vector<frame> frames_;  // never shrinks, so that names keep their memory
    std::size_t depth_ = 0;
    std::string key_;
    bool has_nul_ = false;
    bool fraction_ = false;
};

}  // namespace logagent::base
