#ifndef SKIFF_CLINUX_EPOLL_H
#define SKIFF_CLINUX_EPOLL_H

#include <stdint.h>

/* epoll, eventfd and inotify. Descriptors are close-on-exec; failures are the negated errno. */

int32_t skiff_epoll_create(void);
/* Waits for readability and the peer's end, level-triggered; `token` comes back from the wait. */
int32_t skiff_epoll_add(int32_t epoll, int32_t descriptor, uint64_t token);
int32_t skiff_epoll_remove(int32_t epoll, int32_t descriptor);
/* The call itself, with one of the operations and the events below. */
int32_t skiff_epoll_control(
    int32_t epoll, int32_t operation, int32_t descriptor, uint32_t events, uint64_t token);
enum { SKIFF_EPOLL_ADD = 1, SKIFF_EPOLL_REMOVE = 2, SKIFF_EPOLL_CHANGE = 3 };
#define SKIFF_EPOLL_IN 0x001u
#define SKIFF_EPOLL_PRIORITY 0x002u
#define SKIFF_EPOLL_OUT 0x004u
#define SKIFF_EPOLL_ERROR 0x008u
#define SKIFF_EPOLL_HANG_UP 0x010u
#define SKIFF_EPOLL_READ_HANG_UP 0x2000u
/* Fills `tokens` and returns their number; `timeout` in milliseconds, -1 for ever. At most 64 at once. */
int32_t skiff_epoll_wait(int32_t epoll, uint64_t *tokens, int32_t count, int32_t timeout);
/* The same, with what each is ready for. */
int32_t skiff_epoll_wait_bits(int32_t epoll, uint64_t *tokens, uint32_t *events, int32_t count, int32_t timeout);

/* Non-blocking. */
int32_t skiff_eventfd(void);

/* Non-blocking. */
int32_t skiff_inotify_create(void);
/* Reports writes to, and renaming and creation of, files in a folder. */
int32_t skiff_inotify_watch_folder(int32_t inotify, const char *path);

#endif
