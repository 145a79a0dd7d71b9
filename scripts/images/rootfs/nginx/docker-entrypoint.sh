#!/bin/sh
# Entry point of the nginx image: runs the start-up hooks, then becomes the command.
set -e

say() {
    [ -n "${NGINX_ENTRYPOINT_QUIET_LOGS:-}" ] || echo "$0: $*"
}

case "${1:-}" in
nginx | nginx-debug)
    for hook in /docker-entrypoint.d/*.sh; do
        [ -x "$hook" ] || continue
        say "Running $hook"
        "$hook"
    done
    say "Launching nginx"
    ;;
esac
exec "$@"
