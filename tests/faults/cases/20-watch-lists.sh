# The first sync, disturbed: a WatchList that ends before its end, one that never says that it has ended, a server that
# knows none, a list whose second page has expired.
# shellcheck shell=bash disable=SC2016,SC2034 # conditions are text that is evaluated later

case_open
# --- a WatchList that is cut before its end, twice: then a list ---
faults_rule '{"match":{"form":"watch","resource":"pods"},"when":{"atMost":2},"fault":{"kind":"end","before":"initial-events-end"}}' >/dev/null
# --- one that never says that it has ended: that kind alone is not observed, until it is listed ---
silent=$(faults_rule '{"match":{"form":"watch","resource":"services"},"fault":{"kind":"strip-initial-events-end"}}')
# --- one that is no WatchList: a list instead; the list begins at a version that is gone; its second page as well ---
faults_rule '{"match":{"form":"watch","resource":"leases"},"fault":{"kind":"status","preset":"422-watch-list"},"when":{"nth":1}}' >/dev/null
faults_rule '{"match":{"form":"list","resource":"leases","path":"resourceVersion=0"},"fault":{"kind":"status","preset":"410"}}' >/dev/null
faults_rule '{"match":{"form":"list","resource":"leases","path":"continue="},"fault":{"kind":"status","preset":"410"}}' >/dev/null
faults_rule '{"match":{"form":"watch","resource":"deployments"},"fault":{"kind":"status","preset":"422-watch-list"},"when":{"nth":1}}' >/dev/null
faults_rule '{"match":{"form":"list","resource":"deployments"},"when":{"nth":1},"fault":{"kind":"truncate","bytes":30}}' >/dev/null
leases_make 520
node_make c
SIDECAR=yes pod_make proget-2 c
heartbeat_start proget-2 300
operator_start
WITHIN=40 ok "in step after 15 s, without the kind whose first state has no end" "operator_ready && members 3"
ok "which is named as not observed" observed False services
ok_log "and in the log, once" 1 'cannot observe this kind'
holds "the WatchList of pods was cut twice" fired end 2
holds "then pods were listed" '[ "$(requests "^list [^ ]*/pods\\?")" = 1 ]'
holds "who knows no WatchList is not asked again" '[ "$(faults_counts "[.requests[] | select(.verb == \"watch\" and .status == 422)] | length")" = 2 ]'
holds "the list of Leases expired, and so did its second page" fired status 4
holds "then they came in one piece" '[ "$(requests "^list [^ ]*/leases\\?labelSelector")" = 1 ]'
holds "the last of five hundred and more Leases is known" 'cluster_json | jq -e ".status.members[] | select(.name == \"proget-2\") | .heartbeat == \"Fresh\""'
holds "a list that was cut off was read again" fired truncate 1
change
through "all that"
WITHIN=60 ok "its WatchLists are given up, and the kind is observed by a list" '! observed False services'
holds "one list" '[ "$(requests "^list [^ ]*/services\\?")" = 1 ]'
ok_log "which the log says once" 1 'this kind is observed from now on'
faults_ctl delete "$silent" >/dev/null
change
through "and then"
heartbeat_stop
holds "the same process" operator_same
