#!/usr/bin/env bash
# Prints the folder that holds the program scenarios.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
exec "$here/../../cluster/programs.sh" scenarios "$here" scenarios=.
