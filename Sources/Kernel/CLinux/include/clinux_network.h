#ifndef SKIFF_CLINUX_NETWORK_H
#define SKIFF_CLINUX_NETWORK_H

#include <stdint.h>

/* One datagram with the address that it was sent to. `sender` takes 28 bytes (struct sockaddr_in6); `local` takes the
   16 bytes of the local address, v4-mapped on a socket of either family. Returns its length or the negated errno. */
long skiff_receive_datagram(
    int descriptor, void *buffer, long size, void *sender, uint32_t *sender_length, void *local,
    int32_t *interface);

/* Sends a datagram from a given local address (16 bytes, as received). Returns its length or the negated errno. */
long skiff_send_datagram(
    int descriptor, const void *buffer, long size, const void *receiver, uint32_t receiver_length,
    const void *local, int32_t interface);

/* Asks for the local address of each datagram, on a socket of either family. 0 or the negated errno. */
int skiff_want_local_address(int descriptor);

/* Becomes another user without groups and without a way back. 0 or the negated errno. */
int skiff_become_user(uint32_t user, uint32_t group);

/* accept4, non-blocking and close-on-exec. The descriptor or the negated errno. */
int skiff_accept_nonblocking(int descriptor);

#endif
