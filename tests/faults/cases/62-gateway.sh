# A gateway that answers in the place of an API server that is away: that is no answer.
# shellcheck shell=bash disable=SC2016,SC2034 # conditions are text that is evaluated later

HEARTBEAT='{"intervalSeconds": 1, "staleAfterSeconds": 3}' case_open
node_make c
SIDECAR=yes pod_make proget-2 c
heartbeat_start proget-2 3
operator_start
WITHIN=30 ok "in step" "operator_ready && members 3"
crowd
through "without a fault"
read_before=$(reads pods)
faults_rule '{"fault":{"kind":"status","code":502,"body":"<html><body>502 Bad Gateway</body></html>","headers":{"Content-Type":"text/html"}}}' >/dev/null
faults_act cut >/dev/null
away_ms=$(cluster_now_ms)
change
ok_log "that nobody answers behind it is told, once" 1 'the API server is out of reach'
WITHIN=25 ok "the time passes after which the pauses have grown" '[ "$(cluster_now_ms)" -gt $((away_ms + 20000)) ]'
faults_clear
WITHIN=10 through "once it is back, within a pulse and a moment"
WITHIN=10 ok_log "its end is told" 1 'the API server is back'
holds "it had answered" fired status 5
holds "no heartbeat was taken for stale" never_said HeartbeatStale
holds "nothing was said to be missing" "log_lines 'cannot observe' 0"
ok "pods were read anew at most once" '[ "$(reads pods)" -le $((read_before + 1)) ]'
heartbeat_stop
holds "the same process" operator_same
