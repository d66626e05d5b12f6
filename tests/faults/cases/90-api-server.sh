# The API server is killed and starts again, with nothing in between: soon, and after longer than a heartbeat may be old.
# shellcheck shell=bash disable=SC2016,SC2034 # conditions are text that is evaluated later

command_of() { # PROGRAM: its command line, to start it by again
    mapfile -d '' -t command <"/proc/$(cut -d' ' -f1 "$WORLD/cluster/pids/$1")/cmdline"
}
api_ready() { api /readyz --max-time 2; }
HEARTBEAT='{"intervalSeconds": 1, "staleAfterSeconds": 12}' case_open
node_make c
SIDECAR=yes pod_make proget-2 c
heartbeat_start proget-2 12
operator_direct
operator_start
WITHIN=30 ok "in step" "operator_ready && members 3"
crowd
through "without a fault"
command_of kube-apiserver
for away_s in 3 40; do
    expected=$((away_s == 3 ? 1 : 2))
    kill -KILL "$(cut -d' ' -f1 "$WORLD/cluster/pids/kube-apiserver")"
    away_ms=$(cluster_now_ms)
    WITHIN=10 ok "away for $away_s s: it is noticed" "log_lines 'the API server is out of reach' $expected"
    WITHIN=60 ok "away for $away_s s: the time passes" '[ "$(cluster_now_ms)" -gt $((away_ms + away_s * 1000)) ]'
    cluster_spawn "$WORLD/cluster" kube-apiserver "${command[@]}"
    WITHIN=60 ok "it has started again" api_ready
    change
    WITHIN=40 through "away for $away_s s"
    WITHIN=60 ok "its end is told" "log_lines 'the API server is back' $expected"
done
ok_log "its absence was told once each" 2 'the API server is out of reach'
ok_log "and so was its return" 2 'the API server is back'
holds "no heartbeat was taken for stale" never_said HeartbeatStale
holds "whatever was asked for anew began where it had been" never_back pods
holds "nothing else was said to be missing" "log_lines 'cannot observe' 0"
heartbeat_stop
holds "the same process" operator_same
