# The clock of the operator's machine is set, an hour back and an hour ahead: nothing that is judged by time passing
# takes notice. (libfaketime sets it for that process alone; what passes goes on as it was.)
# shellcheck shell=bash disable=SC2016,SC2034 # conditions are text that is evaluated later

clock() { printf '%s\n' "$1" >"$RUN/clock.new" && mv "$RUN/clock.new" "$RUN/clock"; }
HEARTBEAT='{"intervalSeconds": 1, "staleAfterSeconds": 12}' case_open
node_make c
SIDECAR=yes pod_make proget-2 c
heartbeat_start proget-2 12
clock +0
faketime_library=$(find /usr/lib -name libfaketime.so.1 | head -n 1)
OPERATOR_WRAP=(env LD_PRELOAD="$faketime_library" FAKETIME_TIMESTAMP_FILE="$RUN/clock" FAKETIME_DONT_FAKE_MONOTONIC=1 FAKETIME_NO_CACHE=1)
OPERATOR_PROGRAM=$FAULTS_OPERATOR_PLAIN operator_start operator
WITHIN=30 ok "in step" "operator_ready && members 3"
change
through "at the right time"
for step in -3600 +3600; do
    read_before=$(reads pods)
    clock "$step"
    step_ms=$(cluster_now_ms)
    change
    through "$step s"
    ok "$step s: its log tells by its times that the clock was set" "[ \$(((\$(date -d \"\$(tail -n 1 '$OPERATOR_LOG' | cut -d' ' -f1)\" +%s) - \$(date +%s) - $step) / 60)) = 0 ]"
    WITHIN=20 ok "$step s: the time passes after which a heartbeat would be stale" '[ "$(cluster_now_ms)" -gt $((step_ms + 13000)) ]'
    holds "$step s: no heartbeat was taken for stale" never_said HeartbeatStale
    holds "$step s: nothing was read anew" '[ "$(reads pods)" = "$read_before" ]'
done
clock +0
change
through "at the right time again"
holds "nobody was troubled" "log_lines 'the API server is out of reach' 0"
heartbeat_stop
WITHIN=30 ok "a heartbeat that does stop is stale" finding HeartbeatStale
holds "the same process" operator_same
