#define _GNU_SOURCE
#include "clinux_socket.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Room for the descriptors, and for credentials that a peer may add. */
#define CONTROL_SIZE (CMSG_SPACE(SKIFF_DESCRIPTOR_LIMIT * sizeof(int)) + CMSG_SPACE(sizeof(struct ucred)))

long skiff_send_message(int32_t socket, const void *bytes, uint64_t length, const int32_t *descriptors,
                        int32_t count) {
    union {
        struct cmsghdr align;
        char bytes[CONTROL_SIZE];
    } control;
    struct iovec part = {.iov_base = (void *)bytes, .iov_len = length};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (count > SKIFF_DESCRIPTOR_LIMIT) return -EINVAL;
    if (count > 0) {
        memset(&control, 0, sizeof control);
        message.msg_control = control.bytes;
        message.msg_controllen = CMSG_SPACE(count * sizeof(int));
        struct cmsghdr *header = CMSG_FIRSTHDR(&message);
        header->cmsg_level = SOL_SOCKET;
        header->cmsg_type = SCM_RIGHTS;
        header->cmsg_len = CMSG_LEN(count * sizeof(int));
        memcpy(CMSG_DATA(header), descriptors, count * sizeof(int));
    }
    long sent;
    do sent = sendmsg(socket, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

long skiff_receive_message(int32_t socket, void *bytes, uint64_t length, int32_t blocking, int32_t *descriptors,
                           int32_t *count) {
    union {
        struct cmsghdr align;
        char bytes[CONTROL_SIZE];
    } control;
    struct iovec part = {.iov_base = bytes, .iov_len = length};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes,
                             .msg_controllen = sizeof control.bytes};
    *count = 0;
    long received;
    do received = recvmsg(socket, &message, MSG_CMSG_CLOEXEC | (blocking ? 0 : MSG_DONTWAIT));
    while (received < 0 && errno == EINTR);
    if (received < 0) return -errno;
    for (struct cmsghdr *header = CMSG_FIRSTHDR(&message); header; header = CMSG_NXTHDR(&message, header)) {
        if (header->cmsg_level != SOL_SOCKET || header->cmsg_type != SCM_RIGHTS) continue;
        int arrived = (int)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        for (int index = 0; index < arrived; index++) {
            int descriptor;
            memcpy(&descriptor, CMSG_DATA(header) + index * sizeof(int), sizeof descriptor);
            if (*count < SKIFF_DESCRIPTOR_LIMIT) descriptors[(*count)++] = descriptor;
            else close(descriptor);
        }
    }
    if (!(message.msg_flags & MSG_CTRUNC)) return received;
    while (*count > 0) close(descriptors[--*count]);
    return -EMSGSIZE;
}

int skiff_unix_socket(const char *path, int32_t listen_backlog) {
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) return -ENAMETOOLONG;
    strcpy(address.sun_path, path);
    int saved = errno;
    int descriptor = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int failed = descriptor < 0;
    if (!failed && listen_backlog > 0) {
        failed = bind(descriptor, (struct sockaddr *)&address, sizeof address) < 0 || listen(descriptor, listen_backlog) < 0;
    } else if (!failed) {
        failed = connect(descriptor, (struct sockaddr *)&address, sizeof address) < 0;
    }
    int result = failed ? -errno : descriptor;
    if (failed && descriptor >= 0) close(descriptor);
    errno = saved;
    return result;
}

int skiff_peer_user(int32_t socket, uint32_t *user, int32_t *process) {
    struct ucred peer;
    socklen_t length = sizeof peer;
    if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) < 0) return -errno;
    *user = peer.uid;
    *process = peer.pid;
    return 0;
}
