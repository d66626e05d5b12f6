# Rights that are taken away while the operator runs: that kind alone is not observed, is named as such, and is taken up
# again by itself; what stands and rests on it is neither mended nor said again.
# shellcheck shell=bash disable=SC2016,SC2034 # conditions are text that is evaluated later

workload_make() { # with a priority class that is not there; it makes no pods
    jq -n --arg ns "$NS" '{apiVersion: "apps/v1", kind: "StatefulSet", metadata: {name: "proget", namespace: $ns},
        spec: {replicas: 0, serviceName: "proget", selector: {matchLabels: {app: "proget", part: "set"}},
               template: {metadata: {labels: {app: "proget", part: "set"}},
                          spec: {priorityClassName: $ns, containers: [{name: "proget", image: "proget.inedo.com/productimages/inedo/proget:25.0.13"}]}}}}' |
        api_create "/apis/apps/v1/namespaces/$NS/statefulsets"
}
forbid() {
    faults_rule '{"match":{"resource":"priorityclasses"},"fault":{"kind":"status","preset":"403"}}'
    apply priorityclasses '{"kind":"cut-stream"}'
}
case_start || return
workload_make
ok "a priority class that is not there is found" finding PriorityClassNotFound
ok "and said once" '[ "$(events PriorityClassNotFound Detected)" = 1 ]'
# --- for three seconds ---
faults_rule '{"match":{"resource":"priorityclasses"},"when":{"forMs":3000},"fault":{"kind":"status","preset":"403"}}' >/dev/null
apply priorityclasses '{"kind":"cut-stream"}'
ok "refused for a moment" fired status
ok "then allowed again" watches priorityclasses 2
change
through "a moment's refusal"
holds "that nobody was told of" "log_lines 'cannot observe' 0 && log_lines 'serve everything' 0 && [ \"\$(events PriorityClassNotFound Resolved)\" = 0 ]"
faults_clear
# --- for long ---
forbid >/dev/null
WITHIN=40 ok "without the right, the kind is named in the condition Observed" observed False priorityclasses
ok_log "and in the log, once" 1 'cannot observe this kind'
kubectl create priorityclass "$NS" --value=1000 >/dev/null
change
through "everything else goes on"
holds "what cannot be told now stands" finding PriorityClassNotFound
holds "and is not said to be mended" '[ "$(events PriorityClassNotFound Resolved)" = 0 ]'
faults_clear
WITHIN=75 ok "with the right back, everything is observed again by itself" '! observed False priorityclasses'
ok_log "which the log says once" 1 'this kind is observed from now on'
ok "what was mended meanwhile is now said to be, once" '[ "$(events PriorityClassNotFound Resolved)" = 1 ]'
holds "nothing was said twice" '[ "$(events PriorityClassNotFound Detected)" = 1 ]'
kubectl delete priorityclass "$NS" >/dev/null
holds "the same process" operator_same
