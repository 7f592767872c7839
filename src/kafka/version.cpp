#include "logagent/kafka/version.hpp"

#include <librdkafka/rdkafka.h>

namespace logagent::kafka {

std::string library_version() {
    return rd_kafka_version_str();
}

}  // namespace logagent::kafka
