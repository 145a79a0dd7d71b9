#define _GNU_SOURCE
#include "clinux_inotify.h"

#include <errno.h>
#include <sys/inotify.h>

int32_t skiff_inotify_create(void) {
    int inotify = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
    return inotify < 0 ? -errno : inotify;
}

int32_t skiff_inotify_watch_folder(int32_t inotify, const char *path) {
    uint32_t events = IN_MODIFY | IN_MOVED_TO | IN_CREATE | IN_DELETE_SELF | IN_ONLYDIR;
    int watch = inotify_add_watch(inotify, path, events);
    return watch < 0 ? -errno : watch;
}
