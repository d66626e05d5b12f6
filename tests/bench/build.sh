#!/usr/bin/env bash
# Prints the folder that holds bench-driver, bench-peer and bench-measure.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
exec "$here/../cluster/programs.sh" bench "$here" bench-driver=driver bench-peer=peer bench-measure=measure
