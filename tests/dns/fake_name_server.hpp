#pragma once

#include <array>
#include <boost/asio/buffer.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/udp.hpp>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace logagent::test {

/// A DNS server on loopback that knows a few names, says NXDOMAIN to the rest, and can be silent.
class fake_name_server {
public:
    using udp = boost::asio::ip::udp;

    explicit fake_name_server(boost::asio::io_context& loop, std::string_view address = "127.0.0.1",
                              std::uint16_t port = 0)
        : socket_{loop, udp::endpoint{boost::asio::ip::make_address(address), port}} {
        receive();
    }

    std::uint16_t port() const { return socket_.local_endpoint().port(); }
    std::string address() const { return "127.0.0.1:" + std::to_string(port()); }

    struct record {
        std::vector<std::string> addresses;  // v4 and v6
        std::uint32_t ttl = 30;
    };
    std::map<std::string, record> names;
    bool silent = false;
    int questions = 0;

private:
    void receive() {
        socket_.async_receive_from(boost::asio::buffer(question_), from_,
                                   [this](boost::system::error_code failed, std::size_t size) {
                                       if (failed) return;
                                       ++questions;
                                       if (!silent) reply(size);
                                       receive();
                                   });
    }

    void reply(std::size_t size) {
        std::string name;
        std::size_t at = 12;
        while (at < size && question_[at] != 0) {
            if (!name.empty()) name += '.';
            const auto length = static_cast<unsigned char>(question_[at]);
            name.append(question_.data() + at + 1, length);
            at += 1 + length;
        }
        const auto type = static_cast<unsigned char>(question_[at + 2]);  // 1 = A, 28 = AAAA
        const std::string asked{question_.data() + 12, at + 5 - 12};
        const auto known = names.find(name);

        std::string records;
        char count = 0;
        if (known != names.end()) {
            for (const auto& text : known->second.addresses) {
                const auto address = boost::asio::ip::make_address(text);
                if (address.is_v4() != (type == 1)) continue;
                ++count;
                append_record(records, type, known->second.ttl, address);
            }
        }
        std::string answer{question_.data(), 2};
        answer += '\x81';
        answer += known == names.end() ? '\x83' : '\x80';
        answer += std::string{"\0\1\0", 3} + count + std::string{"\0\0\0\0", 4} + asked + records;
        socket_.send_to(boost::asio::buffer(answer), from_);
    }

    static void append_record(std::string& to, unsigned char type, std::uint32_t ttl,
                              const boost::asio::ip::address& address) {
        to += std::string{"\xc0\x0c\0", 3} + static_cast<char>(type) + std::string{"\0\1", 2};
        for (int shift = 24; shift >= 0; shift -= 8)
            to += static_cast<char>(ttl >> shift & 0xff);
        to += '\0';
        if (address.is_v4()) {
            const auto bytes = address.to_v4().to_bytes();
            to += static_cast<char>(bytes.size());
            to.append(bytes.begin(), bytes.end());
        } else {
            const auto bytes = address.to_v6().to_bytes();
            to += static_cast<char>(bytes.size());
            to.append(bytes.begin(), bytes.end());
        }
    }

    udp::socket socket_;
    udp::endpoint from_;
    std::array<char, 1500> question_;
};

}  // namespace logagent::test
