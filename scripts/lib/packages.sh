# shellcheck shell=bash disable=SC2034
# Sourced by the scripts: installs Debian packages that are missing, once, without questions.

# ensure_packages PACKAGE...: installs those that dpkg does not list as installed.
ensure_packages() {
    local missing=() package
    for package in "$@"; do
        dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null | grep -qx installed || missing+=("$package")
    done
    [ ${#missing[@]} -eq 0 ] && return 0
    if [ "$(id -u)" -ne 0 ]; then
        echo "missing Debian packages (install them, or run this as root): ${missing[*]}" >&2
        return 1
    fi
    echo "installing: ${missing[*]}" >&2
    (
        flock 9
        apt_get install --no-install-recommends "${missing[@]}" || retry 4 apt_update_and_install "${missing[@]}"
    ) 9>/tmp/apt.lock
}

# retry COUNT COMMAND…: until it succeeds, COUNT times at most, with growing pauses: mirrors fail for a moment.
retry() {
    local count=$1 number
    shift
    for ((number = 1; ; number++)); do
        "$@" && return 0
        [ "$number" -lt "$count" ] || { echo "failed $count times: $*" >&2; return 1; }
        echo "failed, once more in $((number * 5)) s: $*" >&2
        sleep $((number * 5))
    done
}

# apt_get COMMAND…: without questions; downloads are tried again, another program's lock is waited for.
apt_get() {
    DEBIAN_FRONTEND=noninteractive apt-get -qq -y -o Acquire::Retries=5 -o Acquire::http::Timeout=30 \
        -o DPkg::Lock::Timeout=300 -o APT::Update::Error-Mode=any "$@" </dev/null >&2
}

apt_update_and_install() {
    apt_get update && apt_get install --no-install-recommends "$@"
}

# ensure_commands COMMAND:PACKAGE...: installs the package where the command is not in PATH.
ensure_commands() {
    local pair packages=()
    for pair in "$@"; do
        command -v "${pair%%:*}" >/dev/null || packages+=("${pair#*:}")
    done
    [ ${#packages[@]} -eq 0 ] || ensure_packages "${packages[@]}"
}
