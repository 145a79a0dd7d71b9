#ifndef SKIFF_CLINUX_TREE_H
#define SKIFF_CLINUX_TREE_H

#include <stdint.h>

/* Calls for building file trees that nobody has checked. Each returns its result or the negated errno. */

/* openat2(2) with `root` as the root directory of the walk and no magic links: the result lies within `root`. */
int32_t skiff_open_in_root(int32_t root, const char *path, int32_t flags);

/* openat2(2) that follows no symbolic link at all and stays beneath `directory`. */
int32_t skiff_open_beneath(int32_t directory, const char *path, int32_t flags);

/* A directory below another, opened for reading; not a symbolic link, and on the same mount. */
int32_t skiff_open_same_mount(int32_t directory, const char *name);

/* Reads entries of an open directory into `buffer`, as getdents64(2) does. Returns how many bytes, 0 at the end. */
int64_t skiff_read_directory(int32_t directory, void *buffer, uint64_t size);

/* Takes the calling thread's file system attributes away from its process's and sets their file mode mask to 0. */
int32_t skiff_drop_file_mode_mask(void);

/* syncfs(2) of the file system that the open file is on. */
int32_t skiff_sync_file_system(int32_t descriptor);

/* Starts writing a file's pages to the disk without waiting. */
int32_t skiff_start_writeback(int32_t descriptor);

int32_t skiff_set_attribute(int32_t descriptor, const char *name, const void *value, uint64_t length);

/* The same by path, following symbolic links: for `/proc/self/fd/N` of a descriptor opened with O_PATH. */
int32_t skiff_set_attribute_at(const char *path, const char *name, const void *value, uint64_t length);

/* Size of the value, which is copied only where `length` suffices; 0 asks for the size. */
int64_t skiff_get_attribute(const char *path, const char *name, void *value, uint64_t length);

uint64_t skiff_make_device(uint32_t major, uint32_t minor);

#endif
