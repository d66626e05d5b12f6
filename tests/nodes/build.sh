#!/usr/bin/env bash
# Prints the folder that holds process-nodes and simulated-proget, building them first where they are older than their
# source. Flags are those of tests/cluster/build.sh, so that the packages compiled there are used again: seconds.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cache_root=${XDG_CACHE_HOME:-$HOME/.cache}/proget-operator
mkdir -p "$cache_root"
key=$(cat "$here"/go.mod "$here"/go.sum "$here"/*.go "$here"/simulated-proget/*.go "$here/build.sh" | sha256sum | cut -c1-16)
target=$cache_root/nodes-$key
if [ ! -x "$target/simulated-proget" ]; then
    exec 9>"$cache_root/build-nodes.lock"
    flock 9
fi
if [ ! -x "$target/simulated-proget" ]; then
    partial=$(mktemp -d "$cache_root/partial.XXXXXX")
    trap 'rm -rf "$partial"' EXIT
    cd "$here"
    export CGO_ENABLED=0 GOFLAGS=-buildvcs=false
    go build -trimpath -o "$partial/process-nodes" . >&2
    go build -trimpath -o "$partial/simulated-proget" ./simulated-proget >&2
    chmod 755 "$partial"
    # Results of earlier sources are of no use any more once a day has passed.
    find "$cache_root" -maxdepth 1 -name 'nodes-*' -mtime +1 -exec rm -rf {} +
    rm -rf "$target"
    mv "$partial" "$target"
    trap - EXIT
fi
printf '%s\n' "$target"
