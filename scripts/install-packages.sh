#!/usr/bin/env bash
# Installs from Debian what the named purposes need and this machine lacks: build, test, cluster, lint, image.
# Says what it is doing; asks for sudo where it is not run as root. Nothing is installed where nothing is missing.
set -euo pipefail

declare -A packages=(
    [build]="gcc libc6-dev make cmake ninja-build pkg-config libcurl4-openssl-dev libjson-c-dev libyaml-dev libssl-dev
             libmicrohttpd-dev uthash-dev libcmocka-dev"
    [test]="valgrind jq openssl curl util-linux"
    [cluster]="openssl jq curl ca-certificates git util-linux iproute2 faketime"
    [lint]="clang clang-tidy clang-format libclang-rt-14-dev cppcheck shellcheck yamllint"
    [image]="buildah debootstrap"
)
go_wanted=1.21 # from here on, go fetches the toolchain that a go.mod asks for by itself

say() { printf '%s\n' "$*" >&2; }

is_installed() {
    [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        say "Needs root to run: $*"
        say "Run it as root, or install sudo, and try again."
        exit 2
    fi
}

apt_install() {
    say "Installing from Debian: $*"
    local log
    log=$(mktemp)
    if ! { as_root apt-get update && as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends "$@"; } >"$log" 2>&1 </dev/null; then
        tail -n 20 "$log" >&2
        rm -f "$log"
        say "apt-get could not install: $*. Install them by hand and try again."
        exit 2
    fi
    rm -f "$log"
}

go_is_enough() {
    command -v go >/dev/null || return 1
    local version
    version=$(GOTOOLCHAIN=local go env GOVERSION 2>/dev/null) || return 1
    [ "$(printf '%s\n' "$go_wanted" "${version#go}" | sort -V | head -n 1)" = "$go_wanted" ]
}

# Go builds the test control plane alone. Debian 12's own is too old; its backports are not.
install_go() {
    if go_is_enough || [ -n "${KUBEBUILDER_ASSETS:-}" ] && command -v go >/dev/null; then
        return
    fi
    # shellcheck source=/dev/null
    . /etc/os-release
    local suite="${VERSION_CODENAME:-}-backports"
    if ! grep -rqs -- "$suite" /etc/apt/sources.list /etc/apt/sources.list.d; then
        say "Adding Debian's $suite to the package sources, for a newer Go"
        printf 'deb http://deb.debian.org/debian %s main\n' "$suite" |
            as_root tee "/etc/apt/sources.list.d/$suite.list" >/dev/null
    fi
    say "Installing Go from $suite"
    if ! { as_root apt-get update && as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y --no-install-recommends -t "$suite" golang-go; } >/dev/null 2>&1 </dev/null ||
        ! go_is_enough; then
        say "No Go of at least $go_wanted could be installed. Install one by hand: it builds the test control plane."
        exit 2
    fi
}

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    say "This is no Debian: make sure that these are installed: ${packages[*]} and Go $go_wanted or newer."
    exit 0
fi

missing=()
for purpose in "$@"; do
    if [ -z "${packages[$purpose]:-}" ]; then
        say "install-packages.sh: no such purpose: $purpose (there are: ${!packages[*]})"
        exit 2
    fi
    for package in ${packages[$purpose]}; do
        is_installed "$package" || missing+=("$package")
    done
done
[ ${#missing[@]} = 0 ] || apt_install "${missing[@]}"
for purpose in "$@"; do
    [ "$purpose" = cluster ] && install_go
done
exit 0
