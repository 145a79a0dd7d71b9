# shellcheck shell=bash disable=SC2034
# Sourced by the scripts: what is needed to build, and the build itself.

# Headers and libraries that Package.swift links, with what a Debian without any compiler lacks.
build_packages=(libseccomp-dev libzstd-dev libisal-dev libsqlite3-dev libssl-dev zlib1g-dev pkg-config git
    binutils gcc g++ libc6-dev libstdc++-12-dev libcurl4 libxml2 libedit2 libncurses6 tzdata ca-certificates)

require_swift() {
    command -v swift >/dev/null || {
        echo "swift is not in PATH; Skiff needs Swift 6.2 or newer for Debian 12 (https://swift.org/install)" >&2
        return 1
    }
}
