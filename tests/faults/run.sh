#!/usr/bin/env bash
# The fault cases, against one control plane: run.sh [CASE...]. Ends with "N passed, M failed".
#   WORLD_PRESET      which build runs (default asan)
#   WORLD_KEEP=1      leaves the control plane running, for a look at what failed
#   WORLD=DIR         takes such a one up again
#   FAULTS_OPERATOR, FAULTS_OPERATOR_PLAIN   the programs to run instead, the second one without sanitizers
#   FAULTS_LANES      how many cases go side by side (default 4); those that stop the API server itself (9x) go alone
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/faults/cases.sh
. tests/faults/cases.sh
export ASAN_OPTIONS=abort_on_error=0:exitcode=99:detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1
cluster_needs openssl jq curl faketime ss unshare || exit 2

running=()
finish() {
    local status=$? file
    trap - EXIT
    kill "${running[@]}" 2>/dev/null || true
    wait
    for file in "${WORLD:-/nonexistent}"/cases/*/pids/*; do
        [ -e "$file" ] && cluster_stop "$(dirname "$(dirname "$file")")" "$(basename "$file")"
    done
    for file in "${WORLD:-/nonexistent}"/cluster/faults-*/; do
        [ "${WORLD_KEEP:-}" = 1 ] || [ ! -d "$file" ] || cluster_stop "$file" fault-proxy
    done
    if [ "${WORLD_KEEP:-}" = 1 ]; then printf 'kept: %s\n' "${WORLD:-}"; else world_stop; fi
    rm -rf "${results:-/nonexistent}"
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

# run_case FILE: in a shell of its own; what it says comes in one piece.
run_case() {
    local file=$1 started_ms
    CASE=$(basename "$file" .sh)
    NS=faults-${CASE#*-}-$RANDOM
    started_ms=$(cluster_now_ms)
    {
        set +e # a step that fails shows in the assertions behind it
        # shellcheck source=/dev/null
        . "$file"
        case_close
        printf -- '--    %s took %s ms\n' "$CASE" "$(($(cluster_now_ms) - started_ms))"
    } >"$results/$CASE" 2>&1
    cat "$results/$CASE"
}

cases=("$@")
if [ ${#cases[@]} = 0 ]; then
    mapfile -t cases < <(find tests/faults/cases -name '*.sh' | sort)
fi
results=$(mktemp -d)
world_build
world_start
lanes=0
for file in "${cases[@]}"; do
    if [[ $(basename "$file") == 9* ]]; then
        wait
        lanes=0
    elif [ "$lanes" -ge "${FAULTS_LANES:-4}" ]; then
        wait -n || true
        lanes=$((lanes - 1))
    fi
    (
        trap 'jobs -p | xargs -r kill' EXIT
        trap 'exit 143' INT TERM
        run_case "$file"
    ) &
    running+=($!)
    lanes=$((lanes + 1))
done
wait
passed=$(cat "$results"/* | grep -c '^ok  ' || true)
failed=$(cat "$results"/* | grep -c '^FAIL' || true)
# A case that ended before its end has failed, whatever it said until then.
for file in "${cases[@]}"; do
    if ! grep -q '^--  ' "$results/$(basename "$file" .sh)"; then
        printf 'FAIL  %s did not come to its end\n' "$file"
        failed=$((failed + 1))
    fi
done
printf '%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
