#define _GNU_SOURCE
#include "clinux_tree.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sched.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

static int32_t open2(int32_t directory, const char *path, int32_t flags, uint64_t resolve) {
    struct open_how how = {.flags = (uint64_t)(flags | O_CLOEXEC), .resolve = resolve};
    long result;
    /* A rename anywhere on the machine can make the kernel unsure whether a `..` stayed inside. */
    do result = syscall(SYS_openat2, directory, path, &how, sizeof how);
    while (result < 0 && errno == EAGAIN);
    return result < 0 ? -errno : (int32_t)result;
}

int32_t skiff_open_in_root(int32_t root, const char *path, int32_t flags) {
    return open2(root, path, flags, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

int32_t skiff_open_beneath(int32_t directory, const char *path, int32_t flags) {
    return open2(directory, path, flags, RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS);
}

int32_t skiff_open_same_mount(int32_t directory, const char *name) {
    return open2(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, RESOLVE_BENEATH | RESOLVE_NO_XDEV);
}

int64_t skiff_read_directory(int32_t directory, void *buffer, uint64_t size) {
    long count = syscall(SYS_getdents64, directory, buffer, size);
    return count < 0 ? -errno : count;
}

int32_t skiff_drop_file_mode_mask(void) {
    if (unshare(CLONE_FS) != 0) return -errno;
    umask(0);
    return 0;
}

int32_t skiff_sync_file_system(int32_t descriptor) { return syncfs(descriptor) == 0 ? 0 : -errno; }

int32_t skiff_start_writeback(int32_t descriptor) {
    return sync_file_range(descriptor, 0, 0, SYNC_FILE_RANGE_WRITE) == 0 ? 0 : -errno;
}

int32_t skiff_set_attribute(int32_t descriptor, const char *name, const void *value, uint64_t length) {
    return fsetxattr(descriptor, name, value, length, 0) == 0 ? 0 : -errno;
}

int32_t skiff_set_attribute_at(const char *path, const char *name, const void *value, uint64_t length) {
    return setxattr(path, name, value, length, 0) == 0 ? 0 : -errno;
}

int64_t skiff_get_attribute(const char *path, const char *name, void *value, uint64_t length) {
    ssize_t result = lgetxattr(path, name, value, length);
    return result < 0 ? -errno : result;
}

uint64_t skiff_make_device(uint32_t major, uint32_t minor) { return makedev(major, minor); }
