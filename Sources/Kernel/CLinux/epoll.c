#define _GNU_SOURCE
#include "clinux_epoll.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>

_Static_assert(SKIFF_EPOLL_READ_HANG_UP == EPOLLRDHUP && SKIFF_EPOLL_CHANGE == EPOLL_CTL_MOD, "as the kernel's");

int skiff_epoll_create(void) {
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    return epoll < 0 ? -errno : epoll;
}

int skiff_epoll_control(int32_t epoll, int32_t operation, int32_t descriptor, uint32_t events, uint64_t data) {
    struct epoll_event event = {.events = events, .data.u64 = data};
    return epoll_ctl(epoll, operation, descriptor, &event) < 0 ? -errno : 0;
}

int skiff_epoll_wait(int32_t epoll, uint64_t *data, uint32_t *events, int32_t room, int32_t milliseconds) {
    struct epoll_event found[64];
    int count = epoll_wait(epoll, found, room < 64 ? room : 64, milliseconds);
    if (count < 0) return -errno;
    for (int index = 0; index < count; index++) {
        data[index] = found[index].data.u64;
        events[index] = found[index].events;
    }
    return count;
}

int skiff_eventfd(void) {
    int event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return event < 0 ? -errno : event;
}
