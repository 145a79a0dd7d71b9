#ifndef SKIFF_CLINUX_FILES_H
#define SKIFF_CLINUX_FILES_H

#include <stdint.h>

/* Copies up to `length` bytes between two files within the kernel, sharing blocks where possible. Returns how many, 0
   at the source's end, or the negated errno. */
int64_t skiff_copy_file_range(int32_t source, int64_t source_offset, int32_t target, int64_t target_offset,
                              uint64_t length);

/* Extended attributes of an open file. `list` receives the names, each ended by NUL. */
int64_t skiff_flistxattr(int32_t file, char *list, uint64_t size);
int64_t skiff_fgetxattr(int32_t file, const char *name, void *value, uint64_t size);
int32_t skiff_fsetxattr(int32_t file, const char *name, const void *value, uint64_t size);

/* The next data (or hole) at or behind `offset`. */
int64_t skiff_seek_data(int32_t file, int64_t offset);
int64_t skiff_seek_hole(int32_t file, int64_t offset);

/* Reads what is in memory and never waits for a disk. Returns how many bytes, 0 at the end, or the negated errno: EAGAIN
   where the next byte is not in memory, EOPNOTSUPP where the file system cannot tell. */
int64_t skiff_read_cached(int32_t file, void *target, uint64_t count, int64_t offset);

/* syncfs(2) of the file system that the open file is on. 0 or the negated errno. */
int32_t skiff_syncfs(int32_t file);

/* renameat2(2): with flag 1 it fails where the target exists, with 2 it exchanges both. 0 or the negated errno. */
int32_t skiff_rename(const char *from, const char *to, uint32_t flags);

/* ioctl_ficlone(2): the target shares the source's blocks until one of them is written. 0 or the negated errno. */
int32_t skiff_clone_file(int32_t target, int32_t source);

#endif
