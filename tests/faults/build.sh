#!/usr/bin/env bash
# Prints the folder that holds fault-proxy, or with the argument "storm" that with storm.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
case ${1:-proxy} in
proxy) exec "$here/../cluster/programs.sh" faults-proxy "$here" fault-proxy=proxy ;;
storm) exec "$here/../cluster/programs.sh" faults-storm "$here" storm=storm ;;
*)
    printf 'build.sh: there is no program %s (there are: proxy storm)\n' "$1" >&2
    exit 2
    ;;
esac
