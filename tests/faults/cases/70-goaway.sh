# A server that sends its clients away, as behind a load balancer or at its end: on to the next connection.
# shellcheck shell=bash disable=SC2016,SC2034 # conditions are text that is evaluated later

case_start || return
read_before=$(reads pods)
change
through "without a fault"
accepted() { faults_counts .connections.accepted; }
accepted_before=$(accepted)
faults_act goaway mode=graceful >/dev/null
change
through "GOAWAY"
faults_act goaway mode=graceful >/dev/null
apply pods '{"kind":"end"}'
change
through "GOAWAY, and the streams end"
faults_act goaway mode=abrupt >/dev/null
change
through "abrupt GOAWAY"
faults_act goaway mode=abrupt code=11 >/dev/null
change
through "GOAWAY: ENHANCE_YOUR_CALM"
faults_rule '{"match":{"methods":["POST"],"resource":"events"},"when":{"atMost":1},"fault":{"kind":"goaway","mode":"abrupt"}}' >/dev/null
change
through "GOAWAY instead of an answer to a write"
holds "these were sent" fired goaway 1
ok "there were new connections" '[ "$(accepted)" -gt "$accepted_before" ]'
holds "but not many" '[ "$(accepted)" -le $((accepted_before + 8)) ]'
# A watch that cannot even be opened, on a connection that is at its end, is a failure like any other.
holds "next to nothing was read anew" '[ "$(reads pods)" -le $((read_before + 2)) ]'
holds "nobody was troubled" "log_lines 'the API server is out of reach' 0"
holds "the same process" operator_same
