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
        export DEBIAN_FRONTEND=noninteractive
        apt-get install -qq -y --no-install-recommends "${missing[@]}" </dev/null >&2 \
            || { apt-get update -qq </dev/null >&2
                 apt-get install -qq -y --no-install-recommends "${missing[@]}" </dev/null >&2; }
    ) 9>/tmp/apt.lock
}

# ensure_commands COMMAND:PACKAGE...: installs the package where the command is not in PATH.
ensure_commands() {
    local pair packages=()
    for pair in "$@"; do
        command -v "${pair%%:*}" >/dev/null || packages+=("${pair#*:}")
    done
    [ ${#packages[@]} -eq 0 ] || ensure_packages "${packages[@]}"
}
