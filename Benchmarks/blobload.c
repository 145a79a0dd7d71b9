// Fetches blobs over keep-alive connections with TLS and counts: the same client for every server.
//
//   blobload ADDRESS PORT CA|- SECONDS CONNECTIONS here|elsewhere PATH…
//
// One thread for each connection; each asks for the paths in turn and reads each answer to its end. TCP_NODELAY is set,
// and TCP_QUICKACK before every read: a server that sends an answer in two small pieces is not charged for the 40 ms
// that a client's kernel may hold back its acknowledgement. With `elsewhere` the kernel throws bodies away after TCP has
// received them (MSG_TRUNC, without TLS only): the copy into a program is another machine's work where the client is on
// one. Prints answers, bytes of bodies and seconds.
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const char *address, **paths;
static int port, path_count, throws_away;
static double end_time;
static SSL_CTX *tls;

struct connection { pthread_t thread; int first; long answers; long long bytes; };

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return t.tv_sec + t.tv_nsec * 1e-9;
}

static void die(const char *what) {
    fprintf(stderr, "blobload: %s\n", what);
    exit(1);
}

static int dial(void) {
    int on = 1, fd = socket(AF_INET, SOCK_STREAM, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    if (fd < 0 || inet_pton(AF_INET, address, &to.sin_addr) != 1) die("address");
    if (connect(fd, (struct sockaddr *)&to, sizeof to)) die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

static int take(SSL *ssl, int fd, char *room, int size, int flags) {
    int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
    int count = ssl ? SSL_read(ssl, room, size) : (int)recv(fd, room, size, flags);
    if (count <= 0) die("the connection ended in an answer");
    return count;
}

static void *run(void *argument) {
    struct connection *self = argument;
    enum { size = 256 << 10 };
    char *room = malloc(size + 1), request[1024];
    int fd = dial(), next = self->first;
    SSL *ssl = NULL;
    if (tls) {
        ssl = SSL_new(tls);
        SSL_set_fd(ssl, fd);
        if (SSL_connect(ssl) != 1) die("TLS handshake");
    }
    while (now() < end_time) {
        int length = snprintf(request, sizeof request, "GET %s HTTP/1.1\r\nHost: %s:%d\r\n\r\n",
                              paths[next++ % path_count], address, port);
        if ((ssl ? SSL_write(ssl, request, length) : (int)write(fd, request, length)) != length) die("write");
        int got = 0;
        char *body = NULL;
        while (!body) {
            if (got == size) die("head too large");
            got += take(ssl, fd, room + got, size - got, 0);
            room[got] = 0;
            body = strstr(room, "\r\n\r\n");
        }
        *body = 0;
        char *field = strcasestr(room, "\r\ncontent-length:");
        if (strncmp(room, "HTTP/1.1 200 ", 13) || !field) die(room);
        long long left = atoll(field + 17) - (room + got - (body + 4));
        self->bytes += atoll(field + 17);
        while (left > 0) left -= take(ssl, fd, room, left < size ? (int)left : size, throws_away ? MSG_TRUNC : 0);
        self->answers++;
    }
    return NULL;
}

int main(int count, char **words) {
    if (count < 8) die("usage: ADDRESS PORT CA|- SECONDS CONNECTIONS here|elsewhere PATH...");
    throws_away = !strcmp(words[6], "elsewhere");
    address = words[1], port = atoi(words[2]), paths = (const char **)words + 7, path_count = count - 7;
    if (strcmp(words[3], "-")) {
        if (throws_away) die("what TLS brings cannot be thrown away unread");
        tls = SSL_CTX_new(TLS_client_method());
        if (!SSL_CTX_load_verify_locations(tls, words[3], NULL)) die("CA");
        SSL_CTX_set_verify(tls, SSL_VERIFY_PEER, NULL);
        SSL_CTX_set_mode(tls, SSL_MODE_AUTO_RETRY);
    }
    int connections = atoi(words[5]);
    struct connection *all = calloc(connections, sizeof *all);
    double begin = now();
    end_time = begin + atof(words[4]);
    for (int i = 0; i < connections; i++) {
        all[i].first = i * (path_count / connections + 1);
        if (pthread_create(&all[i].thread, NULL, run, &all[i])) die("thread");
    }
    long answers = 0;
    long long bytes = 0;
    for (int i = 0; i < connections; i++) {
        pthread_join(all[i].thread, NULL);
        answers += all[i].answers, bytes += all[i].bytes;
    }
    printf("%ld %lld %.6f\n", answers, bytes, now() - begin);
    return 0;
}
