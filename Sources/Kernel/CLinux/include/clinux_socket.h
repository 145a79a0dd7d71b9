#ifndef SKIFF_CLINUX_SOCKET_H
#define SKIFF_CLINUX_SOCKET_H

#include <stdint.h>

/* Most descriptors of one message: SCM_MAX_FD of the kernel. */
#define SKIFF_DESCRIPTOR_LIMIT 253

/* sendmsg with MSG_NOSIGNAL | MSG_DONTWAIT; the descriptors go with the first byte. Bytes sent or the negated errno. */
long skiff_send_message(int32_t socket, const void *bytes, uint64_t length, const int32_t *descriptors, int32_t count);

/* recvmsg with MSG_CMSG_CLOEXEC, and MSG_DONTWAIT unless blocking. `descriptors` has room for SKIFF_DESCRIPTOR_LIMIT, of
   which *count were filled. Bytes received or the negated errno; EMSGSIZE where descriptors were lost on the way. */
long skiff_receive_message(int32_t socket, void *bytes, uint64_t length, int32_t blocking, int32_t *descriptors,
                           int32_t *count);

/* Binds (listen_backlog > 0) or connects a stream socket to a path of at most 107 bytes. Descriptor or negated errno. */
int skiff_unix_socket(const char *path, int32_t listen_backlog);

/* The user that the peer of a unix socket ran as when it connected. 0 or the negated errno. */
int skiff_peer_user(int32_t socket, uint32_t *user, int32_t *process);

#endif
