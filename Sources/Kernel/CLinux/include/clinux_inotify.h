#ifndef SKIFF_CLINUX_INOTIFY_H
#define SKIFF_CLINUX_INOTIFY_H

#include <stdint.h>

/* Non-blocking, close-on-exec. Descriptor or the negated errno. */
int32_t skiff_inotify_create(void);
/* Reports writes to, and renaming and creation of, files in a folder. The watch or the negated errno. */
int32_t skiff_inotify_watch_folder(int32_t inotify, const char *path);

#endif
