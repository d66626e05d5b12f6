#!/usr/bin/env bash
# The unit tests and the replay of the fuzz corpora, built with AddressSanitizer and UBSan; then the unit tests once more
# under valgrind, which sees what the sanitizers do not (reads of memory that was never written).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
passed=0
failed=0

report() { # NAME LOG EXIT_STATUS
    local count
    count=$(sed -n 's/^\[  PASSED  \] \([0-9]*\) test.*/\1/p; s/^\([0-9]*\) of [0-9]* inputs replayed.*/\1/p' "$2" | tail -n 1)
    passed=$((passed + ${count:-0}))
    if [ "$3" = 0 ] && [ "${count:-0}" -gt 0 ]; then
        printf 'ok    %s (%s)\n' "$1" "$count"
        return
    fi
    failed=$((failed + 1))
    printf 'FAIL  %s (exit status %s)\n' "$1" "$3"
    cat "$2"
}

run() { # NAME COMMAND...
    local name=$1 status=0
    shift
    "$@" >"$log" 2>&1 </dev/null || status=$?
    report "$name" "$log" "$status"
}

programs() { # FOLDER PREFIX
    find "$1" -maxdepth 1 -type f -executable -name "$2*" | sort
}

scripts/build.sh asan
scripts/build.sh dev
log=$(mktemp)
trap 'rm -f "$log"' EXIT
export ASAN_OPTIONS=detect_leaks=1:abort_on_error=0 UBSAN_OPTIONS=print_stacktrace=1
for test in $(programs build/asan/tests/unit test_); do
    run "$(basename "$test")" "$test"
done
for fuzz in $(programs build/asan/tests/fuzz fuzz_); do
    name=$(basename "$fuzz")
    run "$name" "$fuzz" "tests/fuzz/corpus/${name#fuzz_}"
done
for test in $(programs build/dev/tests/unit test_); do
    run "$(basename "$test") under valgrind" valgrind --quiet --error-exitcode=99 --leak-check=full \
        --show-leak-kinds=definite,indirect --errors-for-leak-kinds=definite,indirect "$test"
done
printf '%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
