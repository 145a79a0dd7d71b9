#define _GNU_SOURCE
#include "clinux_epoll.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>

static int32_t result(int value) { return value < 0 ? -errno : value; }

int32_t skiff_epoll_create(void) { return result(epoll_create1(EPOLL_CLOEXEC)); }

int32_t skiff_epoll_add(int32_t epoll, int32_t descriptor, uint64_t token) {
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP, .data.u64 = token};
    return result(epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event));
}

_Static_assert(SKIFF_EPOLL_READ_HANG_UP == EPOLLRDHUP && SKIFF_EPOLL_CHANGE == EPOLL_CTL_MOD, "the kernel's");

int32_t skiff_epoll_control(
    int32_t epoll, int32_t operation, int32_t descriptor, uint32_t events, uint64_t token) {
    struct epoll_event event = {.events = events, .data.u64 = token};
    return result(epoll_ctl(epoll, operation, descriptor, &event));
}

int32_t skiff_epoll_remove(int32_t epoll, int32_t descriptor) {
    return result(epoll_ctl(epoll, EPOLL_CTL_DEL, descriptor, 0));
}

int32_t skiff_epoll_wait(int32_t epoll, uint64_t *tokens, int32_t count, int32_t timeout) {
    struct epoll_event events[64];
    int ready = epoll_wait(epoll, events, count < 64 ? count : 64, timeout);
    for (int i = 0; i < ready; i++) tokens[i] = events[i].data.u64;
    return result(ready);
}

int32_t skiff_epoll_wait_bits(
    int32_t epoll, uint64_t *tokens, uint32_t *events, int32_t count, int32_t timeout) {
    struct epoll_event found[64];
    int ready = epoll_wait(epoll, found, count < 64 ? count : 64, timeout);
    for (int i = 0; i < ready; i++) {
        tokens[i] = found[i].data.u64;
        events[i] = found[i].events;
    }
    return result(ready);
}

int32_t skiff_eventfd(void) { return result(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)); }

int32_t skiff_inotify_create(void) { return result(inotify_init1(IN_CLOEXEC | IN_NONBLOCK)); }

int32_t skiff_inotify_watch_folder(int32_t inotify, const char *path) {
    return result(inotify_add_watch(inotify, path, IN_MODIFY | IN_MOVED_TO | IN_CREATE | IN_DELETE_SELF | IN_ONLYDIR));
}
