#!/usr/bin/env bash
# Prints the folder that holds the tests' own Go programs, building them first where they are older than their source:
#   programs.sh NAME MODULE PROGRAM=PACKAGE...      NAME is that of the cache, MODULE the folder with go.mod
# Flags are those of build.sh, so that packages compiled there are used again: seconds.
set -euo pipefail
name=$1 module=$(cd "$2" && pwd)
shift 2
cache_root=${XDG_CACHE_HOME:-$HOME/.cache}/proget-operator
mkdir -p "$cache_root"
sources() {
    local pair
    cat "$module/go.mod" "$module/go.sum" "${BASH_SOURCE[0]}"
    for pair in "$@"; do cat "$module/${pair#*=}"/*.go; done
    printf '%s\n' "$@"
}
target=$cache_root/$name-$(sources "$@" | sha256sum | cut -c1-16)
if [ ! -d "$target" ]; then
    exec 9>"$cache_root/build-$name.lock"
    flock 9
fi
if [ ! -d "$target" ]; then
    partial=$(mktemp -d "$cache_root/partial.XXXXXX")
    trap 'rm -rf "$partial"' EXIT
    cd "$module"
    export CGO_ENABLED=0 GOFLAGS=-buildvcs=false
    for pair in "$@"; do go build -trimpath -o "$partial/${pair%%=*}" "./${pair#*=}" >&2; done
    chmod 755 "$partial"
    # Results of earlier sources are of no use any more once a day has passed.
    find "$cache_root" -maxdepth 1 -name "$name-*" -mtime +1 -exec rm -rf {} +
    mv "$partial" "$target"
    trap - EXIT
fi
printf '%s\n' "$target"
