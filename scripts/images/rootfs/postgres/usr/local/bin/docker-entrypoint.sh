#!/bin/bash
# Entry point of the postgres image. On an empty PGDATA it makes the cluster, the role and the database that
# POSTGRES_* name, runs /docker-entrypoint-initdb.d in alphabetical order against a server that listens on the
# socket only, and then becomes the server. Each POSTGRES_X may come from a file named by POSTGRES_X_FILE.
set -Eeuo pipefail

fail() {
    echo "$0: error: $*" >&2
    exit 1
}

# from_file NAME [DEFAULT]: sets NAME from NAME or from the file that NAME_FILE names.
from_file() {
    local name=$1 file="${1}_FILE" value=${2:-}
    if [ -n "${!name:-}" ] && [ -n "${!file:-}" ]; then
        fail "both $name and $file are set (they exclude each other)"
    elif [ -n "${!name:-}" ]; then
        value=${!name}
    elif [ -n "${!file:-}" ]; then
        value=$(<"${!file}")
    fi
    export "$name=$value"
    unset "$file"
}

read_settings() {
    from_file POSTGRES_PASSWORD
    from_file POSTGRES_USER postgres
    from_file POSTGRES_DB "$POSTGRES_USER"
    from_file POSTGRES_INITDB_ARGS
    : "${POSTGRES_HOST_AUTH_METHOD:=}"
    if [ -z "$POSTGRES_PASSWORD" ] && [ "$POSTGRES_HOST_AUTH_METHOD" != trust ]; then
        cat >&2 <<'TEXT'
Error: Database is uninitialized and superuser password is not specified.
       Set POSTGRES_PASSWORD to a non-empty value for the superuser, for example
       "-e POSTGRES_PASSWORD=password" on "docker run".

       POSTGRES_HOST_AUTH_METHOD=trust allows every connection without a password; it is not recommended.
TEXT
        exit 1
    fi
}

prepare_folders() {
    mkdir -p "$PGDATA" /var/run/postgresql
    chmod 0700 "$PGDATA" || :
    chmod 03775 /var/run/postgresql || :
    if [ "$(id -u)" = 0 ]; then
        find "$PGDATA" \! -user postgres -exec chown postgres {} +
        find /var/run/postgresql \! -user postgres -exec chown postgres {} +
    fi
}

make_cluster() {
    local extra=()
    [ -z "${POSTGRES_INITDB_WALDIR:-}" ] || extra+=(--waldir "$POSTGRES_INITDB_WALDIR")
    # shellcheck disable=SC2086  # the variable holds several arguments
    initdb --username="$POSTGRES_USER" --pwfile=<(printf '%s\n' "$POSTGRES_PASSWORD") \
        $POSTGRES_INITDB_ARGS "${extra[@]}"
    local method=${POSTGRES_HOST_AUTH_METHOD:-scram-sha-256}
    printf '\nhost all all all %s\n' "$method" >>"$PGDATA/pg_hba.conf"
}

# run_sql DATABASE ARGUMENT…: psql as the superuser, over the socket.
run_sql() {
    local database=$1
    shift
    PGHOST='' PGHOSTADDR='' psql -v ON_ERROR_STOP=1 --no-password --no-psqlrc \
        --username "$POSTGRES_USER" --dbname "$database" "$@"
}

make_database() {
    local known
    known=$(run_sql postgres --tuples-only --set db="$POSTGRES_DB" \
        <<<"SELECT 1 FROM pg_database WHERE datname = :'db';")
    [ -n "$known" ] || run_sql postgres --set db="$POSTGRES_DB" <<<'CREATE DATABASE :"db";'
}

run_hooks() {
    local hook
    for hook in /docker-entrypoint-initdb.d/*; do
        case "$hook" in
        *.sh)
            echo "$0: running $hook"
            # shellcheck disable=SC1090
            if [ -x "$hook" ]; then "$hook"; else . "$hook"; fi
            ;;
        *.sql) echo "$0: running $hook" && run_sql "$POSTGRES_DB" -f "$hook" ;;
        *.sql.gz) echo "$0: running $hook" && gunzip -c "$hook" | run_sql "$POSTGRES_DB" ;;
        *.sql.xz) echo "$0: running $hook" && xz -dc "$hook" | run_sql "$POSTGRES_DB" ;;
        /docker-entrypoint-initdb.d/\*) ;;
        *) echo "$0: ignoring $hook" ;;
        esac
    done
}

first_start() {
    make_cluster
    export PGPASSWORD=$POSTGRES_PASSWORD
    pg_ctl -D "$PGDATA" -o "-c listen_addresses='' -p 5432" -w start
    make_database
    run_hooks
    pg_ctl -D "$PGDATA" -m fast -w stop
    unset PGPASSWORD
    printf '\n%s\n\n' 'PostgreSQL init process complete; ready for start up.'
}

main() {
    [ "${1:0:1}" != '-' ] || set -- postgres "$@"
    if [ "$1" = postgres ]; then
        prepare_folders
        [ "$(id -u)" != 0 ] || exec gosu postgres "${BASH_SOURCE[0]}" "$@"
        if [ -s "$PGDATA/PG_VERSION" ]; then
            printf '\n%s\n\n' 'PostgreSQL Database directory appears to contain a database; Skipping initialization'
        else
            read_settings
            first_start
        fi
    fi
    exec "$@"
}

main "$@"
