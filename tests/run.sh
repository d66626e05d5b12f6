#!/usr/bin/env bash
# Runs the tests: run.sh [unit] [cluster]; without a word, all of them. Ends with "N passed, M failed".
#   unit     every pure part, and every input that a fuzzer ever found, under AddressSanitizer and UBSan
#   cluster  the programs against a real API server (tests/e2e)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
stages=("$@")
[ ${#stages[@]} -gt 0 ] || stages=(unit cluster)
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
passed=0
failed=0

# Adds what a stage's last line says: "N passed, M failed".
count() {
    local line
    line=$(grep -E '^[0-9]+ passed, [0-9]+ failed$' "$1" | tail -n 1 || true)
    if [ -z "$line" ]; then
        printf 'A stage ended without saying how many tests it ran.\n'
        failed=$((failed + 1))
        return
    fi
    passed=$((passed + ${line%% *}))
    line=${line#*, }
    failed=$((failed + ${line%% *}))
}

for stage in "${stages[@]}"; do
    case $stage in
    unit) script=tests/unit/run.sh ;;
    cluster) script=tests/e2e/run.sh ;;
    *)
        printf 'run.sh: no such stage: %s (there are: unit cluster)\n' "$stage" >&2
        exit 2
        ;;
    esac
    "$script" 2>&1 </dev/null | tee "$results/$stage" || true
    count "$results/$stage"
done
printf '%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
