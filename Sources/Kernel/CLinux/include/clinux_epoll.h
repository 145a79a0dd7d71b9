#ifndef SKIFF_CLINUX_EPOLL_H
#define SKIFF_CLINUX_EPOLL_H

#include <stdint.h>

#define SKIFF_EPOLL_IN 0x001u
#define SKIFF_EPOLL_PRIORITY 0x002u
#define SKIFF_EPOLL_OUT 0x004u
#define SKIFF_EPOLL_ERROR 0x008u
#define SKIFF_EPOLL_HANG_UP 0x010u
#define SKIFF_EPOLL_READ_HANG_UP 0x2000u

enum { SKIFF_EPOLL_ADD = 1, SKIFF_EPOLL_REMOVE = 2, SKIFF_EPOLL_CHANGE = 3 };

/* Close-on-exec. Descriptor or the negated errno. */
int skiff_epoll_create(void);
/* 0 or the negated errno. */
int skiff_epoll_control(int32_t epoll, int32_t operation, int32_t descriptor, uint32_t events, uint64_t data);
/* At most 64 are reported in one call. Their number (0 after a timeout) or the negated errno. */
int skiff_epoll_wait(int32_t epoll, uint64_t *data, uint32_t *events, int32_t room, int32_t milliseconds);

/* A counter to wait on (eventfd(2)), close-on-exec and non-blocking. Descriptor or the negated errno. */
int skiff_eventfd(void);

#endif
