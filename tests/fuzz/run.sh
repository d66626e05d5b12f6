#!/usr/bin/env bash
# Fuzzes: run.sh [SUBJECT]...; without a word, every target, SECONDS_EACH (default 60) each. New inputs go to
# build/fuzz/corpus; one that fails stays there as crash-*, and is named.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
subjects=("$@")
if [ ${#subjects[@]} = 0 ]; then
    mapfile -t subjects < <(find tests/fuzz -maxdepth 1 -name 'fuzz_*.c' -printf '%f\n' | sed 's/^fuzz_//; s/\.c$//' | sort)
fi
scripts/build.sh fuzz "${subjects[@]/#/fuzz_}"
failed=()
for subject in "${subjects[@]}"; do
    found=build/fuzz/corpus/$subject
    mkdir -p "$found"
    printf 'fuzz: %s for %s s\n' "$subject" "${SECONDS_EACH:-60}"
    "build/fuzz/tests/fuzz/fuzz_$subject" -max_total_time="${SECONDS_EACH:-60}" -timeout=10 -rss_limit_mb=2048 \
        -artifact_prefix="$found/" -verbosity=0 -print_final_stats=0 "$found" "tests/fuzz/corpus/$subject" ||
        failed+=("$subject")
done
if [ ${#failed[@]} -gt 0 ]; then
    printf 'fuzz: failed: %s; the inputs lie in build/fuzz/corpus/*/crash-*\n' "${failed[*]}"
    exit 1
fi
printf 'fuzz: nothing found\n'
