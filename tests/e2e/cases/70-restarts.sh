# The operator is killed and ended, again and again, some of the times while a finding comes or goes: in the end each
# was said once, none is lost, and none is younger than it is.
# shellcheck shell=bash

# restarts_starts: how often an operator came into step with the API server.
restarts_starts() { operator_log | grep -cF 'in step with the API server'; }
restarts_started() { [ "$(restarts_starts)" -gt "$1" ]; }
# restarts_end KILL|TERM: as the kernel does when memory is short, or as an administrator does; waits for the next one.
restarts_end() {
    local before pod
    before=$(restarts_starts)
    pod=$(operator_pod)
    if [ "$1" = KILL ]; then
        nodes crash "proget-operator/$pod" proget-operator >/dev/null
    else
        kubectl -n proget-operator delete pod "$pod" --wait=false >/dev/null
    fi
    WITHIN=60 ok "the operator is back after SIG$1" restarts_started "$before"
}
restarts_report() { # POD STATE: the sidecar reports it
    kubectl -n "$NS" get lease "proget-$1" -o json | jq -e --arg state "$2" '.metadata.annotations["proget-operator.io/report"] | fromjson | .health.state == $state'
}
# restarts_written POD: the status has the finding, its Event may or may not be there; or the same of its end.
restarts_written() {
    cluster_json | jq -e --arg pod "$1" --arg phase "$2" '[.status.findings[]? | select(.code == "HealthError" and .object.name == $pod)]
        | if $phase == "raised" then length > 0 else (length == 0 or .[0].cleared != null) end'
}
# restarts_said POD ACTION COUNT
restarts_said() {
    kubectl -n "$NS" get events.events.k8s.io -o json | jq -e --arg pod "$1" --arg action "$2" --argjson count "$3" \
        '[.items[] | select(.reason == "HealthError" and .regarding.name == $pod and .action == $action)] | length == $count'
}
restarts_standing() { # what stands, and since when
    cluster_json | jq -cS '[.status.findings[] | select(.cleared == null) | [.code, .object.kind, .object.name, .object.uid, .occurrence, .cause, .since]] | sort | .[]'
}
restarts_always() { restarts_standing | grep -E 'PriorityClassMissing|QosNotGuaranteed|SpreadNotEnforced|Evicted'; }
restarts_health() { restarts_standing | grep -F HealthError | grep -vF "\"$1\""; } # POD that does not count
# restarts_same WANTED FUNCTION [ARGUMENT]: it still prints that, and not nothing.
restarts_same() { [ -n "$1" ] && [ "$("${@:2}")" = "$1" ]; }
# restarts_forbid events|status|nothing: takes the permission to create Events, or to write our status, from the operator.
restarts_forbid() {
    jq --arg what "$1" 'del(.metadata.resourceVersion) | .rules |= map(select((($what == "events" and .apiGroups == ["events.k8s.io"]
        and .resources == ["events"]) or ($what == "status" and .resources == ["progetclusters/status"])) and (.verbs | index("list") | not) | not))' \
        "$WORLD/restarts-role.json" | kubectl replace -f - >/dev/null
}
restarts_announced() { # POD true|false PHASE: what the status says of the last HealthError of that pod
    cluster_json | jq -e --arg pod "$1" --argjson announced "$2" --arg phase "$3" '[.status.findings[]? | select(.code == "HealthError" and .object.name == $pod)
        | .announced == $announced and ((.cleared != null) == ($phase == "cleared"))] == [true]'
}
restarts_all_announced() { cluster_json | jq -e '[.status.findings[] | select(.announced == false or .cleared != null)] | length == 0'; }
restarts_operator_is_gone() { [ -z "$(kubectl -n proget-operator get pods -o name)" ]; }

# Servers against most advice: that stands all the time.
for node in node-e node-f; do kubectl cordon "$node" >/dev/null; done # known CPUs alone
PRIORITY='' QOS=none SPREAD=none servers_apply
for pod in proget-0 proget-1 proget-2; do wait_for 60 running "$pod"; done
activate_all
WITHIN=60 ok "the members are known" "cluster_json | jq -e '[.status.members[]? | select(.heartbeat == \"Fresh\" and .activation == \"Active\")] | length == 3'"
old=$(uid_of proget-2)
nodes evict "$NS/proget-2" memory >/dev/null
wait_for 60 running proget-2 "$old"
for pod in proget-0 proget-1 proget-2; do
    WITHIN=60 ok "PriorityClassMissing stands on $pod" finding PriorityClassMissing "$pod"
    WITHIN=60 ok "QosNotGuaranteed stands on $pod" finding QosNotGuaranteed "$pod"
done
WITHIN=60 ok "SpreadNotEnforced stands" finding SpreadNotEnforced
WITHIN=60 ok "Evicted stands" finding Evicted
WITHIN=60 ok "the members are known again" "cluster_json | jq -e '[.status.members[]? | select(.heartbeat == \"Fresh\" and .activation == \"Active\")] | length == 3'"
WITHIN=60 ok "all of it is said" restarts_all_announced
standing=$(restarts_always)
holds "eight findings stand all the time" "[ \"\$(wc -l <<<\"\$standing\")\" = 8 ]"

# --- ended while a finding comes: before it is reported, when it is reported, when it is written ---
simulate proget-0 '{"database":"Error","databaseDetail":"no route"}'
restarts_end KILL
simulate proget-1 '{"database":"Error","databaseDetail":"no route"}'
wait_for 30 restarts_report proget-1 error
restarts_end TERM
simulate proget-2 '{"database":"Error","databaseDetail":"no route"}'
wait_for 30 restarts_written proget-2 raised
restarts_end KILL
for pod in proget-0 proget-1 proget-2; do
    WITHIN=60 ok "raised: HealthError on $pod" finding HealthError "$pod"
    WITHIN=60 ok "raised: said once of $pod" restarts_said "$pod" Detected 1
done
raised=$(restarts_health proget-0)

# --- ended while it goes ---
simulate proget-0 '{"database":"OK"}'
restarts_end TERM
holds "the other two are as old as they were" restarts_same "$raised" restarts_health proget-0
simulate proget-1 '{"database":"OK"}'
wait_for 30 restarts_report proget-1 ok
restarts_end KILL
simulate proget-2 '{"database":"OK"}'
wait_for 30 restarts_written proget-2 cleared
restarts_end TERM
WITHIN=60 ok "cleared: no HealthError" no_finding HealthError
for pod in proget-0 proget-1 proget-2; do
    WITHIN=60 ok "cleared: said once of $pod" restarts_said "$pod" Resolved 1
    holds "cleared: $pod was raised once" restarts_said "$pod" Detected 1
done

# --- it goes while there is no operator ---
simulate proget-0 '{"database":"Error","databaseDetail":"no route"}'
WITHIN=60 ok "raised anew: said of proget-0" restarts_said proget-0 Detected 2
kubectl -n proget-operator scale deployment/proget-operator --replicas=0 >/dev/null
wait_for 60 restarts_operator_is_gone
simulate proget-0 '{"database":"OK"}'
wait_for 30 restarts_report proget-0 ok
before=$(restarts_starts)
kubectl -n proget-operator scale deployment/proget-operator --replicas=2 >/dev/null
wait_for 60 restarts_started "$before"
WITHIN=60 ok "gone while there was no operator: no HealthError" no_finding HealthError
WITHIN=60 ok "gone while there was no operator: said once" restarts_said proget-0 Resolved 2

# --- killed between the status and the Event, and between the Event and the word in the status that it was said ---
kubectl get clusterrole proget-operator -o json >"$WORLD/restarts-role.json"
restarts_forbid events
simulate proget-1 '{"database":"Error","databaseDetail":"no route"}'
WITHIN=60 ok "without permission for Events: in the status, and not said" restarts_announced proget-1 false raised
restarts_end KILL
holds "killed before the Event: not said yet" restarts_said proget-1 Detected 1
restarts_forbid status
WITHIN=90 ok "without permission for the status: said" restarts_said proget-1 Detected 2
holds "and the status does not know it" restarts_announced proget-1 false raised
restarts_end KILL
restarts_forbid nothing
WITHIN=90 ok "killed before the status had it: now it has" restarts_announced proget-1 true raised
holds "killed before the status had it: still said once" restarts_said proget-1 Detected 2
restarts_forbid events
simulate proget-1 '{"database":"OK"}'
WITHIN=60 ok "the same at its end: in the status, and not said" restarts_announced proget-1 true cleared
restarts_end KILL
restarts_forbid nothing
WITHIN=90 ok "the same at its end: said" restarts_said proget-1 Resolved 2
WITHIN=60 ok "the same at its end: no HealthError" no_finding HealthError

# --- the books ---
WITHIN=60 ok "nothing is left to be said" restarts_all_announced
holds "what stood all the time is as old as it was" restarts_same "$standing" restarts_always
WITHIN=20 ok "one Detected for each that was raised, one Resolved for each that cleared" books_balance
[ ! -e "$WORLD/logs/books" ] || sed 's/^/  books: /' "$WORLD/logs/books"
holds "no two Events say the same" books_no_twins
holds "the eviction was said once" "kubectl -n $NS get events.events.k8s.io -o json | jq -e '[.items[] | select(.reason == \"Evicted\" and
    .reportingController == \"proget-operator.io/operator\")] | length == 1'"
for pod in proget-0 proget-1 proget-2; do
    ok "$pod is annotated with what stands, and with nothing else" annotation "$pod" findings PriorityClassMissing,QosNotGuaranteed
done
for node in node-e node-f; do kubectl uncordon "$node" >/dev/null; done
unset old standing raised before
