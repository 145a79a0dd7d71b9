/* What OpenSSL offers as macros or through callbacks only, as functions that Swift can call. */
#ifndef SKIFF_OPENSSL_SHIM_H
#define SKIFF_OPENSSL_SHIM_H

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

/* An encrypted key is refused: nobody is there to be asked for its password. */
static inline int skiff_ssl_no_password(char *buffer, int size, int writing, void *data) {
    (void)buffer, (void)size, (void)writing, (void)data;
    return -1;
}

/* TLS 1.2 at least, whatever the system's configuration allows beside; no renegotiation. Moving buffers and partial
   writes: what is handed in again after WANT_WRITE need not lie at the same address. Idle connections keep no buffers. */
static inline int skiff_ssl_configure(SSL_CTX *context) {
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
    SSL_CTX_set_default_passwd_cb(context, skiff_ssl_no_password);
    return (int)SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
}

/* A server that closes without a close_notify ends the stream like one that sends it; for readers to whom lengths and
   digests tell what was cut off. */
static inline void skiff_ssl_ignore_cut(SSL_CTX *context) { SSL_CTX_set_options(context, SSL_OP_IGNORE_UNEXPECTED_EOF); }

static inline int skiff_ssl_set_server_name(SSL *session, const char *name) {
    return (int)SSL_set_tlsext_host_name(session, name);
}

/* Only HTTP/1.1 is spoken (RFC 7301): who offers other protocols only is refused. */
static inline int skiff_ssl_choose_http1(SSL *session, const unsigned char **chosen, unsigned char *length,
                                         const unsigned char *offered, unsigned int count, void *data) {
    static const unsigned char known[] = "\x08http/1.1\x08http/1.0";
    (void)session, (void)data;
    int found = SSL_select_next_proto((unsigned char **)chosen, length, known, sizeof known - 1, offered, count);
    return found == OPENSSL_NPN_NEGOTIATED ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* A server's context: sessions are resumed by tickets, nothing of them is kept in memory. AES with keys of 128 bits before
   those of 256, which cost a third more and protect nothing here that would need them; clients whose processors have no AES
   get ChaCha20, which they name first. */
static inline int skiff_ssl_configure_server(SSL_CTX *context) {
    SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    if (SSL_CTX_set_ciphersuites(context, "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256") != 1 ||
        SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM+AES128:ECDHE+AESGCM:ECDHE+CHACHA20") != 1)
        return 0;
    static const unsigned char name[] = "skiff";
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_alpn_select_cb(context, skiff_ssl_choose_http1, NULL);
    return SSL_CTX_set_session_id_context(context, name, sizeof name - 1);
}

/* A certificate that was named as trusted is trusted, also where its own issuer is not (as Go does). */
static inline int skiff_ssl_trust_partial_chains(SSL_CTX *context) {
    return X509_VERIFY_PARAM_set_flags(SSL_CTX_get0_param(context), X509_V_FLAG_PARTIAL_CHAIN);
}

#endif
