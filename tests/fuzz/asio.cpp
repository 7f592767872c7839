// What Asio compiles apart: errors and addresses are in the headers of some parsers.

#include <boost/asio/impl/src.hpp>
