#!/usr/bin/env bash
# Configures and builds a CMake preset: build.sh PRESET [TARGET...]. Quiet unless something fails.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
preset=$1
shift
log=$(mktemp)
trap 'rm -f "$log"' EXIT
targets=()
[ $# = 0 ] || targets=(--target "$@")
printf 'Building (%s) ...\n' "$preset" >&2
if ! { cmake --preset "$preset" && cmake --build --preset "$preset" "${targets[@]}"; } >"$log" 2>&1; then
    cat "$log" >&2
    printf 'The build (%s) failed; what the compiler said is above.\n' "$preset" >&2
    exit 1
fi
