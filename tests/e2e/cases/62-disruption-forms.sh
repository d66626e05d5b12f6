# Disruptions as kubelets and controllers cause them, each in the form that it has on the wire; and those that happen
# while nobody looks.
# shellcheck shell=bash

# forms_evicted UID CAUSE: one finding and one row of the history about that pod, with that cause.
forms_evicted() {
    cluster_json | jq -e --arg uid "$1" --arg cause "$2" '
        [.status.findings[]? | select(.code == "Evicted" and .occurrence == $uid and .cleared == null) | .cause] == [$cause] and
        [.status.evictions[]? | select(.uid == $uid) | .cause] == [$cause]'
}
# forms_said: each row of the history has its Event of ours, once.
forms_said() {
    local rows
    rows=$(cluster_json | jq '.status.evictions | length')
    kubectl -n "$NS" get events.events.k8s.io -o json | jq -e --argjson count "$rows" '
        [.items[] | select(.reason == "Evicted" and .reportingController == "proget-operator.io/operator")]
            | length == $count and all(.[]; .action == "Detected" and .type == "Warning" and .series == null)'
}
forms_rows() { cluster_json | jq -e --argjson count "$1" '[.status.evictions[]?.uid] | length == $count and (unique | length) == $count'; }
forms_members() { cluster_json | jq -e '[.status.members[]? | select(.heartbeat == "Fresh" and .gone == null)] | length == 3'; }
# forms_try WHAT POD KIND CAUSE: the kubelet ends the pod in that form.
forms_try() {
    local old
    old=$(uid_of "$2")
    nodes evict "$NS/$2" "$3" >/dev/null
    WITHIN=60 ok "$1: Evicted, cause $4" forms_evicted "$old" "$4"
    WITHIN=60 ok "$1: the workload replaces the pod" running "$2" "$old"
    forms_happened=$((forms_happened + 1))
}
forms_operator_is_gone() { [ -z "$(kubectl -n proget-operator get pods -o name)" ]; }
forms_operator() { # REPLICAS
    kubectl -n proget-operator scale deployment/proget-operator --replicas="$1" >/dev/null
    if [ "$1" = 0 ]; then
        wait_for 60 forms_operator_is_gone
    else
        wait_for 60 'kubectl -n proget-operator rollout status deployment/proget-operator --timeout=1s'
    fi
}
forms_operator_pid() { nodes list | jq -r '.[] | select(.namespace == "proget-operator") | .containers[] | select(.name == "proget-operator") | .pid'; }

forms_happened=0
operator_node=$(kubectl -n proget-operator get pod "$(operator_pod)" -o jsonpath='{.spec.nodeName}')
# shellcheck disable=SC2034 # read by servers_manifest
NODES=$(kubectl get nodes -o json | jq -c --arg node "$operator_node" '[.items[].metadata.name | select(. != $node)]')
servers_apply
for pod in proget-0 proget-1 proget-2; do wait_for 60 running "$pod"; done
activate_all
WITHIN=60 ok "the members are known" forms_members

# The machine of proget-2 is gone, with its Node object. PodGC takes its time (40 s and more): it goes on below.
lost_node=$(node_of proget-2) lost_uid=$(uid_of proget-2)
lost_cpu=$(kubectl get node "$lost_node" -o json | jq -r 'if .metadata.name | IN("node-e", "node-f") then "AuthenticAMD/25/1/1" else "GenuineIntel/6/106/6" end')
nodes node remove "$lost_node" >/dev/null

forms_try "node pressure" proget-0 memory NodePressure
forms_try "an emptyDir over its limit" proget-1 emptydir LocalStorage
forms_try "ephemeral storage over its limit" proget-0 ephemeral LocalStorage
forms_try "room for a critical pod" proget-1 preempt-critical Preemption
forms_try "a node that shuts down" proget-0 shutdown NodeShutdown

# Refused when it comes to its node: the successor of a plain deletion, of which nobody but the watch knows the uid.
nodes evict "$NS/proget-1" admission >/dev/null
refused_before=$(uid_of proget-1)
kubectl -n "$NS" delete pod proget-1 --wait=false >/dev/null
WITHIN=60 ok "a refusal at admission: Evicted, cause Admission" "cluster_json | jq -e '[.status.evictions[]? | select(.cause == \"Admission\" and .pod == \"proget-1\")] | length == 1'"
WITHIN=60 ok "a refusal at admission: the workload replaces the pod" running proget-1 "$refused_before"
forms_happened=$((forms_happened + 1))

WITHIN=120 ok "a node that is gone: Evicted, cause NodeGone" forms_evicted "$lost_uid" NodeGone
WITHIN=60 ok "a node that is gone: the workload replaces the pod" running proget-2 "$lost_uid"
forms_happened=$((forms_happened + 1))
nodes node add "$lost_node" "$lost_cpu" >/dev/null
ok "the node is back" kubectl wait --for=condition=Ready "node/$lost_node" --timeout=1s

WITHIN=60 ok "one Event for each row of the history" forms_said
holds "one row of the history for each disruption" forms_rows "$forms_happened"

# --- while the operator is down: only the Event is left of it ---
WITHIN=60 ok "the members are known again" forms_members
old=$(uid_of proget-0)
forms_operator 0
nodes evict "$NS/proget-0" memory >/dev/null
wait_for 60 running proget-0 "$old"
forms_operator 1
WITHIN=60 ok "while the operator is down: found from the Event, cause NodePressure" forms_evicted "$old" NodePressure
forms_happened=$((forms_happened + 1))
WITHIN=60 ok "while the operator is down: said once" forms_said

# --- while the operator is starved of CPU: everything about the pod arrives at once ---
WITHIN=60 ok "the members are known once more" forms_members
old=$(uid_of proget-1)
pid=$(forms_operator_pid)
kill -STOP "$pid"
nodes evict "$NS/proget-1" shutdown >/dev/null # leaves no Event
wait_for 60 running proget-1 "$old"
kill -CONT "$pid"
WITHIN=60 ok "while the operator stands still: Evicted, cause NodeShutdown" forms_evicted "$old" NodeShutdown
forms_happened=$((forms_happened + 1))
WITHIN=60 ok "in the end one Event for each row of the history" forms_said
holds "in the end one row of the history for each disruption" forms_rows "$forms_happened"
forms_operator 2
unset forms_happened operator_node NODES lost_node lost_uid lost_cpu refused_before old pid
