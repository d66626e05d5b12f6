#!/usr/bin/env bash
# Prints the folder that holds process-nodes and simulated-proget.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
exec "$here/../cluster/programs.sh" nodes "$here" process-nodes=. simulated-proget=simulated-proget
