# Kinds that are not there when the operator starts: its own resource, and one to which the server has no sane answer.
# shellcheck shell=bash disable=SC2016,SC2034 # conditions are text that is evaluated later

case_open
own=$(faults_rule '{"match":{"resource":"progetclusters"},"fault":{"kind":"status","preset":"404"}}')
faults_rule '{"match":{"resource":"daemonsets"},"fault":{"kind":"status","preset":"500-html"}}' >/dev/null
operator_start
ok_log "its own resource is named" 1 'kind=progetclusters'
WITHIN=30 ok_log "and, after 15 s, the one that cannot be read, with what the server said" 1 'kind=daemonsets'
holds "without its own resource it is not ready" '! operator_ready'
holds "nothing is published without its own resource" 'cluster_json | jq -e ".status == null"'
change
faults_ctl delete "$own" >/dev/null
WITHIN=75 ok "its own resource comes: it is taken up by itself" members 3
through "it"
holds "it is ready without the other one" operator_ready
ok "the other one is named in the condition Observed" observed False daemonsets
change
through "and everything else goes on"
faults_clear
WITHIN=75 ok "which is taken up as well" '! observed False daemonsets'
ok_log "both are said to be, once each" 2 'this kind is observed from now on'
holds "the same process" operator_same
