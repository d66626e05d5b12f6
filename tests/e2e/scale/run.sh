#!/usr/bin/env bash
# What is too much for a build with sanitizers, against a real API server. Ends with "N passed, M failed".
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../../.."
WORLD_PRESET=release exec tests/e2e/run.sh tests/e2e/scale/many.sh
