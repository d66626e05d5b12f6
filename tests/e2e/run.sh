#!/usr/bin/env bash
# The end-to-end cases, in one world: run.sh [CASE...]. Ends with "N passed, M failed".
#   WORLD_PRESET  which build runs (default asan: the programs report every error of memory at the end of their logs)
#   WORLD_KEEP=1  leaves the world running, for a look at what failed
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
# shellcheck source=tests/e2e/lib.sh
. tests/e2e/lib.sh
# What a sanitizer finds ends the program at once; the log then has the word.
export ASAN_OPTIONS=abort_on_error=0:exitcode=99:detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1

finish() {
    local status=$?
    trap - EXIT
    if [ "${WORLD_KEEP:-}" = 1 ]; then printf 'kept: %s\n' "${WORLD:-}"; else world_stop; fi
    exit "$status"
}
trap finish EXIT
trap 'exit 130' INT TERM

# No program may have reported an error of memory, undefined behaviour or a leak in its log.
logs_are_clean() {
    ! grep -rlE 'ERROR: AddressSanitizer|ERROR: LeakSanitizer|runtime error:|Assertion .* failed' "$WORLD/nodes/logs" "$WORLD/logs"
}

cases=("$@")
if [ ${#cases[@]} = 0 ]; then
    mapfile -t cases < <(find tests/e2e/cases -name '*.sh' | sort)
fi
world_build
# shellcheck disable=SC2119 # the usual nodes
world_start
for file in "${cases[@]}"; do
    CASE=$(basename "$file" .sh)
    NS=e2e-${CASE#*-}
    started_ms=$(cluster_now_ms)
    set +e # a step that fails shows in the assertions behind it, and the other cases run all the same
    # shellcheck source=/dev/null
    . "$file"
    set -e
    printf -- '--    %s took %s ms\n' "$CASE" "$(($(cluster_now_ms) - started_ms))"
    namespace_end
done
CASE=all NS=proget-operator
# The operator's end is part of the run: a leak is told when a program ends.
kubectl -n proget-operator scale deployment/proget-operator --replicas=0 >/dev/null
ok "the operator ends on SIGTERM" "[ -z \"\$(kubectl -n proget-operator get pods -o name)\" ]"
holds "no program reported an error of memory or undefined behaviour" logs_are_clean
printf '%s passed, %s failed\n' "$e2e_passed" "$e2e_failed"
[ "$e2e_failed" = 0 ]
