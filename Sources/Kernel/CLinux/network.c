#define _GNU_SOURCE
#include "clinux_network.h"

#include <errno.h>
#include <grp.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int family_of(int descriptor) {
    int family = 0;
    socklen_t length = sizeof family;
    if (getsockopt(descriptor, SOL_SOCKET, SO_DOMAIN, &family, &length) != 0) return -errno;
    return family;
}

int skiff_want_local_address(int descriptor) {
    int family = family_of(descriptor), on = 1;
    if (family < 0) return family;
    int result = family == AF_INET6
        ? setsockopt(descriptor, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof on)
        : setsockopt(descriptor, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
    return result == 0 ? 0 : -errno;
}

static void map_v4(void *local, struct in_addr address) {
    unsigned char *bytes = local;
    memset(bytes, 0, 10);
    memset(bytes + 10, 0xff, 2);
    memcpy(bytes + 12, &address, 4);
}

long skiff_receive_datagram(
    int descriptor, void *buffer, long size, void *sender, uint32_t *sender_length, void *local,
    int32_t *interface) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(struct in_pktinfo))];
    } control;
    struct iovec data = {buffer, (size_t)size};
    struct msghdr message = {
        .msg_name = sender,
        .msg_namelen = sizeof(struct sockaddr_in6),
        .msg_iov = &data,
        .msg_iovlen = 1,
        .msg_control = &control,
        .msg_controllen = sizeof control,
    };
    memset(local, 0, 16);
    *interface = 0;
    ssize_t count = recvmsg(descriptor, &message, 0);
    if (count < 0) return -errno;
    *sender_length = message.msg_namelen;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c)) {
        if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
            struct in6_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            memcpy(local, &info.ipi6_addr, 16);
            *interface = (int32_t)info.ipi6_ifindex;
        } else if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
            struct in_pktinfo info;
            memcpy(&info, CMSG_DATA(c), sizeof info);
            map_v4(local, info.ipi_addr);
            *interface = info.ipi_ifindex;
        }
    }
    return count;
}

long skiff_send_datagram(
    int descriptor, const void *buffer, long size, const void *receiver, uint32_t receiver_length,
    const void *local, int32_t interface) {
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof(struct in6_pktinfo))];
    } control;
    struct iovec data = {(void *)buffer, (size_t)size};
    struct msghdr message = {
        .msg_name = (void *)receiver,
        .msg_namelen = receiver_length,
        .msg_iov = &data,
        .msg_iovlen = 1,
        .msg_control = &control,
    };
    memset(&control, 0, sizeof control);
    struct cmsghdr *c = &control.header;
    const unsigned char *address = local;
    if (((const struct sockaddr *)receiver)->sa_family == AF_INET6) {
        struct in6_pktinfo info = {0};
        memcpy(&info.ipi6_addr, local, 16);
        /* Only a link-local source needs its interface; elsewhere the route decides. */
        if (address[0] == 0xfe && (address[1] & 0xc0) == 0x80) info.ipi6_ifindex = (unsigned)interface;
        c->cmsg_level = IPPROTO_IPV6;
        c->cmsg_type = IPV6_PKTINFO;
        c->cmsg_len = CMSG_LEN(sizeof info);
        memcpy(CMSG_DATA(c), &info, sizeof info);
        message.msg_controllen = CMSG_SPACE(sizeof info);
    } else {
        struct in_pktinfo info = {0};
        memcpy(&info.ipi_spec_dst, address + 12, 4);
        c->cmsg_level = IPPROTO_IP;
        c->cmsg_type = IP_PKTINFO;
        c->cmsg_len = CMSG_LEN(sizeof info);
        memcpy(CMSG_DATA(c), &info, sizeof info);
        message.msg_controllen = CMSG_SPACE(sizeof info);
    }
    message.msg_control = &control;
    ssize_t count = sendmsg(descriptor, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
    return count < 0 ? -errno : count;
}

int skiff_become_user(uint32_t user, uint32_t group) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return -errno;
    if (setgroups(0, 0) != 0) return -errno;
    if (setresgid(group, group, group) != 0) return -errno;
    return setresuid(user, user, user) == 0 ? 0 : -errno;
}

int skiff_accept_nonblocking(int descriptor) {
    int accepted = accept4(descriptor, 0, 0, SOCK_NONBLOCK | SOCK_CLOEXEC);
    return accepted < 0 ? -errno : accepted;
}
