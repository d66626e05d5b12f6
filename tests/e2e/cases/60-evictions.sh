# Evictions as administrators and the scheduler cause them, told apart; and what is none of them.
# shellcheck shell=bash

# evictions_evicted UID CAUSE: one finding and one row of the history about that pod, with that cause.
evictions_evicted() {
    cluster_json | jq -e --arg uid "$1" --arg cause "$2" '
        [.status.findings[]? | select(.code == "Evicted" and .occurrence == $uid and .cleared == null) | .cause] == [$cause] and
        [.status.evictions[]? | select(.uid == $uid) | .cause] == [$cause]'
}
# evictions_said POD COUNT: as many Events of ours say that a pod of that name was evicted, on the pod or on the cluster.
evictions_said() {
    kubectl -n "$NS" get events.events.k8s.io -o json | jq -e --arg pod "$1" --argjson count "$2" '
        [.items[] | select(.reason == "Evicted" and .reportingController == "proget-operator.io/operator"
            and (.note | startswith("Server \($pod) ")))] | length == $count'
}
evictions_count() { cluster_json | jq -e --argjson count "$1" '.status.evictions // [] | length == $count'; }
evictions_cancelled() { # POD: the taint manager took its mark back
    kubectl -n "$NS" get events -o json | jq -e --arg pod "$1" \
        '[.items[] | select(.reason == "TaintManagerEviction" and .involvedObject.name == $pod and (.message | startswith("Cancelling")))] | length > 0'
}
evictions_restarted() { # POD: its product was killed for want of memory, and runs again
    kubectl -n "$NS" get pod "$1" -o json | jq -e '.status.containerStatuses[0] |
        .restartCount > 0 and .lastState.terminated.reason == "OOMKilled" and .state.running != null'
}

evictions_member() { cluster_json | jq -e --arg uid "$1" '[.status.members[]? | select(.uid == $uid)] | length == 1'; }

# A drain must not take the operator with it: the servers stay off its node.
operator_node=$(kubectl -n proget-operator get pod "$(operator_pod)" -o jsonpath='{.spec.nodeName}')
# shellcheck disable=SC2034 # read by servers_manifest
NODES=$(kubectl get nodes -o json | jq -c --arg node "$operator_node" '[.items[].metadata.name | select(. != $node)]')
servers_apply
for pod in proget-0 proget-1 proget-2; do wait_for 60 running "$pod"; done
activate_all
WITHIN=60 ok "the members are known" "cluster_json | jq -e '[.status.members[]? | select(.heartbeat == \"Fresh\")] | length == 3'"

# --- the Eviction API ---
node=$(node_of proget-0) old=$(uid_of proget-0)
kubectl drain "$node" --pod-selector=app=proget --ignore-daemonsets --delete-emptydir-data --timeout=60s >/dev/null 2>&1
WITHIN=60 ok "kubectl drain: Evicted, cause Api" evictions_evicted "$old" Api
WITHIN=60 ok "kubectl drain: said once" evictions_said proget-0 1
ok "the history names pod and node" "cluster_json | jq -e --arg node $node '.status.evictions[0] | .pod == \"proget-0\" and .node == \$node'"
ok "EvictionResistant is False" condition EvictionResistant False
kubectl uncordon "$node" >/dev/null
WITHIN=60 ok "proget-0 has a successor" running proget-0 "$old"

# --- no evictions: a plain deletion, an OOM kill ---
replace_pod proget-0
nodes crash "$NS/proget-1" proget oom >/dev/null
WITHIN=60 ok "an OOM kill restarts the product" evictions_restarted proget-1

# --- a NoExecute taint ---
node=$(node_of proget-1) old=$(uid_of proget-1)
kubectl taint node "$node" e2e=gone:NoExecute >/dev/null
WITHIN=60 ok "a NoExecute taint: Evicted, cause Taint" evictions_evicted "$old" Taint
WITHIN=60 ok "a NoExecute taint: said once" evictions_said proget-1 1
WITHIN=60 ok "proget-1 has a successor" running proget-1 "$old"
kubectl taint node "$node" e2e=gone:NoExecute- >/dev/null
holds "a plain deletion and an OOM kill are no evictions" evictions_count 2
holds "two evictions are not frequent" no_finding EvictionsFrequent

# --- the scheduler makes room for a pod of higher priority ---
node=$(node_of proget-2) old=$(uid_of proget-2)
kubectl create priorityclass e2e-important --value=2000000 >/dev/null
kubectl get node "$node" -o json | jq --arg ns "$NS" '
    {apiVersion: "v1", kind: "Pod", metadata: {name: "important", namespace: $ns},
     spec: {priorityClassName: "e2e-important", terminationGracePeriodSeconds: 0,
        affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [
            {matchExpressions: [{key: "kubernetes.io/hostname", operator: "In", values: [.metadata.name]}]}]}}},
        containers: [{name: "important", image: "registry.invalid/important:1.0.0",
            resources: {requests: {cpu: "\((.status.allocatable.cpu | tonumber) * 1000 - 50)m"}}}]}}' | kubectl apply -f - >/dev/null
WITHIN=60 ok "a pod of higher priority: Evicted, cause Preemption" evictions_evicted "$old" Preemption
WITHIN=60 ok "a pod of higher priority: said once" evictions_said proget-2 1
WITHIN=60 ok "proget-2 has a successor" running proget-2 "$old"
ok "it took the place of the server" "kubectl -n $NS get pod important -o json | jq -e --arg node $node '.spec.nodeName == \$node'"
kubectl -n "$NS" delete pod important --wait=false >/dev/null
kubectl delete priorityclass e2e-important >/dev/null

ok "status.evictions has the newest first" "cluster_json | jq -e '.status.evictions |
    [.[].cause] == [\"Preemption\", \"Taint\", \"Api\"] and ([.[].time] | . == (sort | reverse))'"
ok "EvictionsFrequent with the third" finding EvictionsFrequent main
ok "EvictionsFrequent is said once, as a Warning" event EvictionsFrequent main Warning 1
ok "EvictionsFrequent is an error" "cluster_json | jq -e '[.status.findings[] | select(.code == \"EvictionsFrequent\") | .severity] == [\"error\"]'"
for pod in proget-0 proget-1 proget-2; do
    holds "$pod: one Event for one eviction, whatever the traces" evictions_said "$pod" 1
done
holds "three evictions in all" evictions_count 3

# --- no eviction: a taint that was taken back ---
# As when a node is not ready for a moment: the pods tolerate it for five minutes. What happens to one later is something else.
node=$(node_of proget-2)
kubectl taint node "$node" node.kubernetes.io/unreachable=:NoExecute >/dev/null
kubectl taint node "$node" node.kubernetes.io/unreachable:NoExecute- >/dev/null 2>&1
WITHIN=30 ok "the taint manager takes its mark back" evictions_cancelled proget-2
replace_pod proget-2
ok "the successor is a member" evictions_member "$(uid_of proget-2)"
holds "a taint that was taken back, and a plain deletion after it, are no eviction" evictions_count 3

holds "no node is left cordoned or tainted" "kubectl get nodes -o json | jq -e '[.items[].spec | select(.unschedulable or (.taints // [] | length > 0))] | length == 0'"
unset operator_node node old pod NODES
