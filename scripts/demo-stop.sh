#!/usr/bin/env bash
# Ends what `make demo KEEP=1` left running: demo-stop.sh FOLDER, as the demo said at its end.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
if [ $# -ne 1 ] || [ ! -e "$1/cluster/env" ] || [[ $(basename "$1") != proget-world.* ]]; then
    printf 'usage: demo-stop.sh FOLDER (the one that the demo named)\n' >&2
    exit 2
fi
# shellcheck source=tests/e2e/world.sh
. tests/e2e/world.sh
WORLD=$1
world_stop
