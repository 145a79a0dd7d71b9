#define _GNU_SOURCE
#include "clinux_files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

int64_t skiff_copy_file_range(int32_t source, int64_t source_offset, int32_t target, int64_t target_offset,
                              uint64_t length) {
    off64_t from = source_offset, to = target_offset;
    ssize_t copied = copy_file_range(source, &from, target, &to, length, 0);
    return copied >= 0 ? copied : -errno;
}

int64_t skiff_flistxattr(int32_t file, char *list, uint64_t size) {
    ssize_t length = flistxattr(file, list, size);
    return length >= 0 ? length : -errno;
}

int64_t skiff_fgetxattr(int32_t file, const char *name, void *value, uint64_t size) {
    ssize_t length = fgetxattr(file, name, value, size);
    return length >= 0 ? length : -errno;
}

int32_t skiff_fsetxattr(int32_t file, const char *name, const void *value, uint64_t size) {
    return fsetxattr(file, name, value, size, 0) == 0 ? 0 : -errno;
}

int64_t skiff_seek_data(int32_t file, int64_t offset) {
    off64_t position = lseek64(file, offset, SEEK_DATA);
    return position >= 0 ? position : -errno;
}

int64_t skiff_seek_hole(int32_t file, int64_t offset) {
    off64_t position = lseek64(file, offset, SEEK_HOLE);
    return position >= 0 ? position : -errno;
}

int64_t skiff_read_cached(int32_t file, void *target, uint64_t count, int64_t offset) {
    struct iovec part = {.iov_base = target, .iov_len = count};
    ssize_t length = preadv2(file, &part, 1, offset, RWF_NOWAIT);
    struct statfs system;
    /* tmpfs lies in memory and does not know the flag. */
    if (length < 0 && errno == EOPNOTSUPP) {
        if (fstatfs(file, &system) != 0 || system.f_type != TMPFS_MAGIC) return -EOPNOTSUPP;
        length = pread(file, target, count, offset);
    }
    return length >= 0 ? length : -errno;
}

int32_t skiff_syncfs(int32_t file) { return syncfs(file) == 0 ? 0 : -errno; }

int32_t skiff_rename(const char *from, const char *to, uint32_t flags) {
    return syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, flags) == 0 ? 0 : -errno;
}

int32_t skiff_clone_file(int32_t target, int32_t source) {
    return ioctl(target, FICLONE, source) == 0 ? 0 : -errno;
}
