#!/bin/sh
# Entry point of the redis image: options alone mean redis-server, and root becomes the user redis.
set -e

case "${1:-}" in
-* | *.conf) set -- redis-server "$@" ;;
esac

if [ "$1" = redis-server ]; then
    shift
    case "${1:-}" in
    '' | -*)
        # Without a configuration file: reachable on the container's network, which is published on request only.
        # Options of the user come later and win.
        set -- --protected-mode no --bind '*' '-::*' "$@"
        ;;
    esac
    set -- redis-server "$@"
    if [ "$(id -u)" = 0 ]; then
        find . \! -user redis -exec chown redis {} +
        exec gosu redis "$@"
    fi
fi
exec "$@"
