// What the libraries inside a static binary must not reach. glibc keeps name services and plug-ins
// in shared objects even when it is linked statically, so such a call would load code of whatever
// the host has. The linker sends these names here (--wrap, see CMakeLists.txt), and nothing of that
// machinery gets into the binary. Names are resolved by c-ares, see src/dns.

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pwd.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

extern "C" {

int __wrap_getaddrinfo(const char*, const char*, const addrinfo*, addrinfo** found) {
    *found = nullptr;
    return EAI_FAIL;
}

void __wrap_freeaddrinfo(addrinfo*) {}

/// Numbers only, which is all that librdkafka's messages need.
int __wrap_getnameinfo(const sockaddr* address, socklen_t size, char* host, socklen_t host_size,
                       char* service, socklen_t service_size, int) {
    sockaddr_in6 room{};
    std::memcpy(&room, address, size < sizeof room ? size : sizeof room);
    const bool v6 = address->sa_family == AF_INET6;
    if (!v6 && address->sa_family != AF_INET) return EAI_FAMILY;
    sockaddr_in v4{};
    std::memcpy(&v4, &room, sizeof v4);
    if (host != nullptr && host_size > 0) {
        const void* const from = v6 ? static_cast<const void*>(&room.sin6_addr) : &v4.sin_addr;
        if (inet_ntop(address->sa_family, from, host, host_size) == nullptr) return EAI_OVERFLOW;
    }
    if (service == nullptr || service_size == 0) return 0;
    const auto port = ntohs(v6 ? room.sin6_port : v4.sin_port);
    const int written = std::snprintf(service, service_size, "%u", static_cast<unsigned>(port));
    return written < static_cast<int>(service_size) ? 0 : EAI_OVERFLOW;
}

hostent* __wrap_gethostbyname(const char*) {
    h_errno = NO_RECOVERY;
    return nullptr;
}

servent* __wrap_getservbyname(const char*, const char*) {
    return nullptr;
}

int __wrap_getservbyport_r(int, const char*, servent*, char*, std::size_t, servent** found) {
    *found = nullptr;
    return ENOENT;
}

int __wrap_getpwuid_r(uid_t, passwd*, char*, std::size_t, passwd** found) {
    *found = nullptr;
    return ENOENT;
}

void* __wrap_dlopen(const char*, int) {
    return nullptr;
}

void* __wrap_dlsym(void*, const char*) {
    return nullptr;
}

int __wrap_dlclose(void*) {
    return -1;
}

int __wrap_dladdr(const void*, void*) {
    return 0;
}

char* __wrap_dlerror() {
    static char text[] = "this binary is static and loads nothing";
    return text;
}

}  // extern "C"
