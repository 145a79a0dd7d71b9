/* A connection without a socket: OpenSSL reads from memory of the caller and writes into memory of the caller, which
   are set for each call. No buffer lies between. */
#ifndef SKIFF_OPENSSL_PIPE_H
#define SKIFF_OPENSSL_PIPE_H

#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <string.h>

struct skiff_tls_pipe {
    const unsigned char *input;
    size_t input_count;
    unsigned char *output;
    size_t output_room;
    /* The other side has ended the connection behind `input`. */
    int input_ended;
};

static inline int skiff_tls_pipe_read(BIO *bio, char *target, size_t count, size_t *done) {
    struct skiff_tls_pipe *pipe = (struct skiff_tls_pipe *)BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    *done = 0;
    if (pipe->input_count == 0) {
        if (!pipe->input_ended) BIO_set_retry_read(bio);
        return 0;
    }
    if (count > pipe->input_count) count = pipe->input_count;
    memcpy(target, pipe->input, count);
    pipe->input += count;
    pipe->input_count -= count;
    *done = count;
    return 1;
}

static inline int skiff_tls_pipe_write(BIO *bio, const char *source, size_t count, size_t *done) {
    struct skiff_tls_pipe *pipe = (struct skiff_tls_pipe *)BIO_get_data(bio);
    BIO_clear_retry_flags(bio);
    *done = 0;
    if (pipe->output_room == 0) {
        BIO_set_retry_write(bio);
        return 0;
    }
    if (count > pipe->output_room) count = pipe->output_room;
    memcpy(pipe->output, source, count);
    pipe->output += count;
    pipe->output_room -= count;
    *done = count;
    return 1;
}

static inline long skiff_tls_pipe_control(BIO *bio, int command, long number, void *argument) {
    struct skiff_tls_pipe *pipe = (struct skiff_tls_pipe *)BIO_get_data(bio);
    (void)number, (void)argument;
    switch (command) {
    case BIO_CTRL_FLUSH: return 1;
    case BIO_CTRL_EOF: return pipe->input_ended && pipe->input_count == 0;
    default: return 0;
    }
}

static inline BIO_METHOD *skiff_tls_pipe_method(void) {
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "memory of the caller");
    if (!method) return NULL;
    BIO_meth_set_read_ex(method, skiff_tls_pipe_read);
    BIO_meth_set_write_ex(method, skiff_tls_pipe_write);
    BIO_meth_set_ctrl(method, skiff_tls_pipe_control);
    return method;
}

/* 1, or 0 where memory is short. `pipe` has to outlive `session`. */
static inline int skiff_tls_pipe_attach(SSL *session, BIO_METHOD *method, struct skiff_tls_pipe *pipe) {
    BIO *bio = BIO_new(method);
    if (!bio) return 0;
    BIO_set_data(bio, pipe);
    BIO_set_init(bio, 1);
    SSL_set_bio(session, bio, bio);
    return 1;
}

/* Leaves the session without a connection. */
static inline void skiff_tls_pipe_detach(SSL *session) { SSL_set_bio(session, NULL, NULL); }

#endif
