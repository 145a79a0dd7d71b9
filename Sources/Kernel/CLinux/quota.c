#define _GNU_SOURCE
#include "clinux_quota.h"

#include <endian.h>
#include <errno.h>
#include <linux/btrfs.h>
#include <linux/btrfs_tree.h>
#include <linux/dqblk_xfs.h>
#include <linux/fs.h>
#include <linux/quota.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

static int32_t result(long value) { return value == -1 ? -errno : 0; }

int64_t skiff_file_system_type(int32_t file) {
    struct statfs system;
    return fstatfs(file, &system) == 0 ? (int64_t)(uint32_t)system.f_type : -errno;
}

/* Project quotas */

static long project_quota(int32_t file, uint32_t command, uint32_t project, void *argument) {
    return syscall(443 /* quotactl_fd */, file, QCMD(command, PRJQUOTA), project, argument);
}

int32_t skiff_project_quota_state(int32_t file, int32_t *accounts, int32_t *enforces) {
    struct fs_quota_statv state = {.qs_version = FS_QSTATV_VERSION1};
    if (project_quota(file, Q_XGETQSTATV, 0, &state) == -1) return -errno;
    *accounts = (state.qs_flags & FS_QUOTA_PDQ_ACCT) != 0;
    *enforces = (state.qs_flags & FS_QUOTA_PDQ_ENFD) != 0;
    return 0;
}

int32_t skiff_get_project(int32_t file, uint32_t *project, int32_t *inherits) {
    struct fsxattr attributes;
    if (ioctl(file, FS_IOC_FSGETXATTR, &attributes) == -1) return -errno;
    *project = attributes.fsx_projid;
    *inherits = (attributes.fsx_xflags & FS_XFLAG_PROJINHERIT) != 0;
    return 0;
}

int32_t skiff_set_project(int32_t file, uint32_t project, int32_t inherits) {
    struct fsxattr attributes;
    if (ioctl(file, FS_IOC_FSGETXATTR, &attributes) == -1) return -errno;
    attributes.fsx_projid = project;
    if (inherits)
        attributes.fsx_xflags |= FS_XFLAG_PROJINHERIT;
    else
        attributes.fsx_xflags &= ~(uint32_t)FS_XFLAG_PROJINHERIT;
    return result(ioctl(file, FS_IOC_FSSETXATTR, &attributes));
}

int32_t skiff_project_usage(
    int32_t file, uint32_t project, uint64_t *bytes, uint64_t *inodes, uint64_t *limit) {
    struct if_dqblk quota;
    memset(&quota, 0, sizeof quota);
    *bytes = *inodes = *limit = 0;
    if (project_quota(file, Q_GETQUOTA, project, &quota) == -1)
        /* A project that has never had a file is no failure. */
        return errno == ENOENT ? 0 : -errno;
    *bytes = quota.dqb_curspace;
    *inodes = quota.dqb_curinodes;
    *limit = quota.dqb_bhardlimit * 1024;
    return 0;
}

int32_t skiff_limit_project(int32_t file, uint32_t project, uint64_t bytes) {
    struct if_dqblk quota;
    memset(&quota, 0, sizeof quota);
    quota.dqb_bhardlimit = quota.dqb_bsoftlimit = bytes / 1024 + (bytes % 1024 != 0);
    quota.dqb_valid = QIF_BLIMITS;
    return result(project_quota(file, Q_SETQUOTA, project, &quota));
}

/* Btrfs */

int32_t skiff_make_subvolume(int32_t directory, const char *name) {
    struct btrfs_ioctl_vol_args arguments;
    size_t length = strlen(name);
    memset(&arguments, 0, sizeof arguments);
    if (length > 255) return -ENAMETOOLONG;
    memcpy(arguments.name, name, length);
    return result(ioctl(directory, BTRFS_IOC_SUBVOL_CREATE, &arguments));
}

int32_t skiff_subvolume_id(int32_t file, uint64_t *id) {
    struct btrfs_ioctl_ino_lookup_args arguments;
    memset(&arguments, 0, sizeof arguments);
    arguments.objectid = BTRFS_FIRST_FREE_OBJECTID;
    if (ioctl(file, BTRFS_IOC_INO_LOOKUP, &arguments) == -1) return -errno;
    *id = arguments.treeid;
    return 0;
}

int32_t skiff_enable_subvolume_quotas(int32_t file) {
    struct btrfs_ioctl_quota_ctl_args arguments = {.cmd = BTRFS_QUOTA_CTL_ENABLE};
    if (ioctl(file, BTRFS_IOC_QUOTA_CTL, &arguments) == -1) return -errno;
    while (ioctl(file, BTRFS_IOC_QUOTA_RESCAN_WAIT) == -1)
        if (errno != EINTR) return -errno;
    return 0;
}

int32_t skiff_limit_subvolume(int32_t file, uint64_t id, uint64_t bytes) {
    struct btrfs_ioctl_qgroup_limit_args arguments;
    memset(&arguments, 0, sizeof arguments);
    arguments.qgroupid = id;
    arguments.lim.flags = BTRFS_QGROUP_LIMIT_MAX_RFER;
    arguments.lim.max_rfer = bytes;
    return result(ioctl(file, BTRFS_IOC_QGROUP_LIMIT, &arguments));
}

/* An item of the quota tree: its start within `buffer`, or NULL with errno set (0 where there is none). */
static const void *quota_item(
    int32_t file, uint32_t type, uint64_t id, struct btrfs_ioctl_search_args *buffer, uint32_t size) {
    struct btrfs_ioctl_search_key *key = &buffer->key;
    struct btrfs_ioctl_search_header header;
    memset(buffer, 0, sizeof *buffer);
    key->tree_id = BTRFS_QUOTA_TREE_OBJECTID;
    key->min_type = key->max_type = type;
    key->min_offset = key->max_offset = id;
    key->max_transid = UINT64_MAX;
    key->nr_items = 1;
    if (ioctl(file, BTRFS_IOC_TREE_SEARCH, buffer) == -1) return NULL;
    errno = 0;
    if (key->nr_items == 0) return NULL;
    memcpy(&header, buffer->buf, sizeof header);
    return header.len < size ? NULL : buffer->buf + sizeof header;
}

int32_t skiff_subvolume_usage(int32_t file, uint64_t id, uint64_t *bytes, uint64_t *limit) {
    struct btrfs_ioctl_search_args buffer;
    struct btrfs_qgroup_info_item info;
    struct btrfs_qgroup_limit_item bound;
    const void *item = quota_item(file, BTRFS_QGROUP_INFO_KEY, id, &buffer, sizeof info);
    if (!item) return errno ? -errno : -ENODATA;
    memcpy(&info, item, sizeof info);
    *bytes = le64toh(info.rfer);
    *limit = UINT64_MAX;
    item = quota_item(file, BTRFS_QGROUP_LIMIT_KEY, id, &buffer, sizeof bound);
    if (!item) return errno ? -errno : 0;
    memcpy(&bound, item, sizeof bound);
    if (le64toh(bound.flags) & BTRFS_QGROUP_LIMIT_MAX_RFER) *limit = le64toh(bound.max_rfer);
    return 0;
}
