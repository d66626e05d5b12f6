#!/usr/bin/env bash
# Prints the folder that holds bench-driver, bench-peer and bench-measure, building them first where they are older than
# their source. Flags are those of tests/cluster/build.sh, so that the packages compiled there are used again.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache_root=${XDG_CACHE_HOME:-$HOME/.cache}/proget-operator
mkdir -p "$cache_root"
key=$(cat "$here"/go.mod "$here"/go.sum "$here"/*/*.go "$here/build.sh" | sha256sum | cut -c1-16)
target=$cache_root/bench-$key
if [ ! -x "$target/bench-measure" ]; then
    exec 9>"$cache_root/build-bench.lock"
    flock 9
fi
if [ ! -x "$target/bench-measure" ]; then
    partial=$(mktemp -d "$cache_root/partial.XXXXXX")
    trap 'rm -rf "$partial"' EXIT
    cd "$here"
    export CGO_ENABLED=0 GOFLAGS=-buildvcs=false
    for program in driver peer measure; do
        go build -trimpath -o "$partial/bench-$program" "./$program" >&2
    done
    chmod 755 "$partial"
    # Results of earlier sources are of no use any more once a day has passed.
    find "$cache_root" -maxdepth 1 -name 'bench-*' -mtime +1 -exec rm -rf {} +
    rm -rf "$target"
    mv "$partial" "$target"
    trap - EXIT
fi
printf '%s\n' "$target"
