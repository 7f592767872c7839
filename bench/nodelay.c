/* Sets TCP_NODELAY on every accepted socket of a program, which librdkafka's mock brokers do not
   do: their answers may wait 40 ms for an acknowledgement. For measuring latency:
   LD_PRELOAD=liblogagent_nodelay.so logagent_mock ... */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <sys/socket.h>

int accept(int listener, struct sockaddr* address, socklen_t* size) {
    static int (*next)(int, struct sockaddr*, socklen_t*);
    if (!next) *(void**)&next = dlsym(RTLD_NEXT, "accept");
    const int fd = next(listener, address, size);
    const int on = 1;
    if (fd >= 0) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}
