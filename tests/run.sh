#!/usr/bin/env bash
# Runs the tests: run.sh [STAGE]...; without a word, all of these. Ends with "N passed, M failed".
#   unit     every pure part, and every input that a fuzzer ever found, under AddressSanitizer and UBSan
#   patches  what the pages of docs/findings say to paste, on the scenarios (tests/patches)
#   cluster  the programs against a real API server (tests/e2e)
#   scale    five thousand findings at once, without sanitizers
#   proxy    the fault proxy that the next two stand on (tests/faults)
#   faults   the operator behind it, one fault after the other
#   storm    all faults at random while a few hundred pods change, for two minutes (STORM_SECONDS, STORM_SEED)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
stages=("$@")
[ ${#stages[@]} -gt 0 ] || stages=(unit patches cluster scale proxy faults storm)
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
    patches) script=tests/patches/run.sh ;;
    cluster) script=tests/e2e/run.sh ;;
    scale) script=tests/e2e/scale/run.sh ;;
    proxy) script=tests/faults/selftest.sh ;;
    faults) script=tests/faults/run.sh ;;
    storm)
        script=tests/faults/storm.sh
        export STORM_SEED=${STORM_SEED:-7} # the same each time; make soak takes another each time
        ;;
    *)
        printf 'run.sh: no such stage: %s (there are: unit patches cluster scale proxy faults storm)\n' "$stage" >&2
        exit 2
        ;;
    esac
    "$script" 2>&1 </dev/null | tee "$results/$stage" || true
    count "$results/$stage"
done
printf '%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
