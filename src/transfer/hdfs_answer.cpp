#include "transfer/hdfs_answer.hpp"

#include <algorithm>
#include <array>
#include <boost/json/object.hpp>
#include <stdexcept>

#include "logagent/base/escape.hpp"
#include "logagent/base/json.hpp"

namespace logagent::transfer {

namespace {

struct named_exception {
    std::string_view name;
    hdfs_verdict verdict;
    std::string_view code;
};

constexpr auto exceptions = std::to_array<named_exception>({
    {"FileNotFoundException", hdfs_verdict::missing, "missing"},
    {"FileAlreadyExistsException", hdfs_verdict::exists, "exists"},
    {"StandbyException", hdfs_verdict::standby, "standby"},
    {"ObserverRetryOnActiveException", hdfs_verdict::standby, "standby"},
    {"SafeModeException", hdfs_verdict::passing, "safe_mode"},
    {"RetriableException", hdfs_verdict::passing, "starting"},
    {"ServerTooBusyException", hdfs_verdict::passing, "busy"},
    {"LeaseExpiredException", hdfs_verdict::passing, "lease"},
    {"AlreadyBeingCreatedException", hdfs_verdict::passing, "lease"},
    {"RecoveryInProgressException", hdfs_verdict::passing, "lease"},
    {"NotReplicatedYetException", hdfs_verdict::passing, "lease"},
    {"ConnectException", hdfs_verdict::passing, "connection"},
    {"SocketTimeoutException", hdfs_verdict::passing, "connection"},
    {"NoRouteToHostException", hdfs_verdict::passing, "connection"},
    {"AccessControlException", hdfs_verdict::refused, "permission"},
    {"AuthorizationException", hdfs_verdict::refused, "permission"},
    {"SecurityException", hdfs_verdict::refused, "permission"},
    {"AuthenticationException", hdfs_verdict::refused, "permission"},
    {"InvalidToken", hdfs_verdict::refused, "permission"},
    {"SecretManager$InvalidToken", hdfs_verdict::refused, "permission"},
    {"NSQuotaExceededException", hdfs_verdict::refused, "quota"},
    {"DSQuotaExceededException", hdfs_verdict::refused, "quota"},
    {"QuotaByStorageTypeExceededException", hdfs_verdict::refused, "quota"},
    {"QuotaExceededException", hdfs_verdict::refused, "quota"},
    {"ParentNotDirectoryException", hdfs_verdict::refused, "path"},
    {"InvalidPathException", hdfs_verdict::refused, "path"},
    {"IllegalArgumentException", hdfs_verdict::refused, "path"},
    {"UnsupportedOperationException", hdfs_verdict::refused, "unsupported"},
    {"MaxDirectoryItemsExceededException", hdfs_verdict::refused, "quota"},
    {"PathComponentTooLongException", hdfs_verdict::refused, "path"},
});

struct remote_exception {
    std::string name;
    std::string message;
};

remote_exception read_exception(const std::string& body) {
    remote_exception found;
    const auto parsed = base::parse_json(body);
    if (!parsed || !parsed->is_object()) return found;
    const auto* inner = parsed->get_object().if_contains("RemoteException");
    if (inner == nullptr || !inner->is_object()) return found;
    const auto text_of = [&](std::string_view name) {
        const auto* value = inner->get_object().if_contains(name);
        const auto* text = value == nullptr ? nullptr : value->if_string();
        return text == nullptr ? std::string{} : std::string{*text};
    };
    found.name = text_of("exception");
    found.message = text_of("message");
    // The rest are the lines of a Java stack.
    found.message.resize(std::min(found.message.size(), found.message.find('\n')));
    return found;
}

hdfs_answer by_exception(const remote_exception& thrown) {
    hdfs_answer read;
    read.code = "io";
    const auto known = std::ranges::find(exceptions, thrown.name, &named_exception::name);
    if (known != exceptions.end()) {
        read.verdict = known->verdict;
        read.code = known->code;
    }
    // A plain IOException in the server's words.
    if (thrown.message.find("Failed to find datanode") != std::string::npos)
        read.code = "no_datanode";
    read.text = base::visible(thrown.name + ": " + thrown.message, 400);
    return read;
}

hdfs_answer by_status(unsigned status) {
    hdfs_answer read;
    read.text = "HTTP " + std::to_string(status) + " without a RemoteException";
    if (status == 401 || status == 403) {
        read.verdict = hdfs_verdict::refused;
        read.code = "permission";
    } else if (status >= 500 || status == 429) {
        read.code = "server";
    } else {
        read.verdict = hdfs_verdict::refused;
        read.code = "protocol";
        read.text += ": is this WebHDFS?";
    }
    return read;
}

/// The object `name` in a body, or an exception.
const base::json::object& member(const base::json::value& of, std::string_view name) {
    const auto* object = of.if_object();
    const auto* found = object == nullptr ? nullptr : object->if_contains(name);
    if (found == nullptr || !found->is_object())
        throw std::runtime_error{"there is no " + std::string{name} + " in the answer"};
    return found->get_object();
}

}  // namespace

hdfs_answer read_hdfs_answer(const http::response& answer, std::string_view from) {
    hdfs_answer read;
    if (answer.status == 200 || answer.status == 201 || answer.status == 307) {
        read.verdict = hdfs_verdict::done;
        read.body = answer.body;
        read.location = http::find(answer.fields, "location");
        return read;
    }
    const auto thrown = read_exception(answer.body);
    read = thrown.name.empty() ? by_status(answer.status) : by_exception(thrown);
    read.text = std::string{from} + ": " + read.text;
    return read;
}

hdfs_answer read_hdfs_failure(const http::error& failure) {
    hdfs_answer read;
    read.code = failure.why == http::error::cause::timeout ? "timeout" : "connection";
    read.text = failure.text;
    return read;
}

bool says_yes(const hdfs_answer& answer) {
    const auto parsed = base::parse_json(answer.body);
    if (!parsed || !parsed->is_object()) return false;
    const auto* value = parsed->get_object().if_contains("boolean");
    return value != nullptr && value->is_bool() && value->get_bool();
}

hdfs_file_status read_file_status(const hdfs_answer& answer) {
    const auto parsed = base::parse_json(answer.body).value();
    const base::json_field status{parsed};
    const auto of = status.at("FileStatus").value();
    hdfs_file_status read;
    read.directory = of.at("type").value().text().value() == "DIRECTORY";
    read.length = of.at("length").value().unsigned_integer().value();
    return read;
}

std::vector<std::string> read_names(const hdfs_answer& answer) {
    base::json_limits limits;
    limits.max_bytes = 16u << 20;
    const auto parsed = base::parse_json(answer.body, limits).value();
    const auto& statuses = member(parsed, "FileStatuses");
    const auto* list = statuses.if_contains("FileStatus");
    if (list == nullptr || !list->is_array())
        throw std::runtime_error{"there is no FileStatus in the answer"};
    std::vector<std::string> names;
    for (const auto& each : list->get_array()) {
        const base::json_field one{each};
        names.emplace_back(one.at("pathSuffix").value().text().value());
    }
    return names;
}

}  // namespace logagent::transfer
