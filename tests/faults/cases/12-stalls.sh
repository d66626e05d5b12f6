# A connection on which nothing moves any more, though nobody closed it: the pulse notices, heartbeats do not grow stale
# meanwhile, and what came meanwhile is caught up with.
# shellcheck shell=bash disable=SC2016,SC2034 # conditions are text that is evaluated later

HEARTBEAT='{"intervalSeconds": 1, "staleAfterSeconds": 3}' case_open
node_make c
SIDECAR=yes pod_make proget-2 c
heartbeat_start proget-2 3
operator_start
WITHIN=30 ok "in step" "operator_ready && members 3"
read_before=$(reads pods)
faults_act stall >/dev/null
change
holds "the connection stands" '[ "$(ss -Htn state established dst "${FAULTS_SERVER#https://}" | wc -l)" -ge 1 ]'
ok "it is noticed" "log_lines 'the API server is out of reach' 1"
heartbeats_due_ms=$(($(cluster_now_ms) + 13000))
WITHIN=15 ok "the time passes after which a heartbeat would be stale" '[ "$(cluster_now_ms)" -gt "$heartbeats_due_ms" ]'
faults_act release >/dev/null
through "stalled"
ok_log "its end is told" 1 'the API server is back'
ok_log "as was its beginning, once" 1 'the API server is out of reach'
faults_act stall >/dev/null
change
ok "a second time" "log_lines 'the API server is out of reach' 2"
faults_act cut >/dev/null
faults_act release >/dev/null
through "stalled, then cut"
ok "its end is told" "log_lines 'the API server is back' 2"
holds "nothing was read anew" '[ "$(reads pods)" = "$read_before" ]'
holds "no heartbeat was taken for stale" never_said HeartbeatStale
heartbeat_stop
WITHIN=30 ok "now that it stopped, it is" finding HeartbeatStale
holds "the same process" operator_same
faults_act stall userAgent=^proget/ >/dev/null
change
WITHIN=40 through "swallowed by a connection, while new ones would work"
ok "its end is told" "log_lines 'the API server is back' 3"
faults_act release >/dev/null
holds "the same process to the end" operator_same
