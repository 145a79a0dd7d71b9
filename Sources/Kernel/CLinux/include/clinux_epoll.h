#ifndef SKIFF_CLINUX_EPOLL_H
#define SKIFF_CLINUX_EPOLL_H

#include <stdint.h>

/* epoll, eventfd and inotify. Descriptors are close-on-exec; failures are the negated errno. */

int32_t skiff_epoll_create(void);
/* Waits for readability and the peer's end, level-triggered; `token` comes back from the wait. */
int32_t skiff_epoll_add(int32_t epoll, int32_t descriptor, uint64_t token);
int32_t skiff_epoll_remove(int32_t epoll, int32_t descriptor);
/* Fills `tokens` and returns their number; `timeout` in milliseconds, -1 for ever. At most 64 at once. */
int32_t skiff_epoll_wait(int32_t epoll, uint64_t *tokens, int32_t count, int32_t timeout);

/* Non-blocking. */
int32_t skiff_eventfd(void);

/* Non-blocking. */
int32_t skiff_inotify_create(void);
/* Reports writes to, and renaming and creation of, files in a folder. */
int32_t skiff_inotify_watch_folder(int32_t inotify, const char *path);

#endif
