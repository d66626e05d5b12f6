# The sidecar outlives what it watches and what it reports to: a product that crashes, hangs, talks nonsense; an API
# server that hangs or restarts; an administrator who deletes its Lease; and itself being stopped.
# shellcheck shell=bash
lease_json() { kubectl -n "$NS" get lease "proget-$1" -o json; }
reports() { # POD STATE: its last report says so
    lease_json "$1" | jq -e --arg state "$2" '.metadata.annotations["proget-operator.io/report"] | fromjson | .health.state == $state'
}
renewed() { # POD TIME: since then
    [ "$(lease_json "$1" | jq -r .spec.renewTime)" \> "$2" ]
}
count_events() { # CODE POD TYPE
    kubectl -n "$NS" get events.events.k8s.io -o json | jq --arg code "$1" --arg pod "$2" --arg type "$3" \
        '[.items[] | select(.reason == $code and .regarding.name == $pod and .type == $type)] | length'
}
sidecar_log() { cat "$WORLD/nodes/logs/${NS}_$1"_*/proget-sidecar.log; }
sidecar_pid() {
    nodes list | jq -e --arg ns "$NS" --arg pod "$1" '.[] | select(.namespace == $ns and .name == $pod) | .containers[] | select(.name == "proget-sidecar").pid'
}
sidecars() { # uid and restarts of all of them
    kubectl -n "$NS" get pods -l app=proget -o json | jq -c '[.items[] | [.metadata.uid, .status.initContainerStatuses[0].restartCount]] | sort'
}
product_restarts() { kubectl -n "$NS" get pod "$1" -o jsonpath='{.status.containerStatuses[0].restartCount}'; }
said() { operator_log | grep -cF "$1"; }
silent_for() { [ $(($(cluster_now_ms) - silent_since_ms)) -ge "$1" ]; } # MILLISECONDS
out_of_reach='the API server is out of reach'
# A watch that has to be read anew because its version expired (HTTP 410) is no absence.
said_lost() { operator_log | grep -F "$out_of_reach" | grep -vcF 'HTTP 410'; }
took_back() { [ "$(said "$out_of_reach")" = "$(said 'the API server is back')" ]; }
all_stale() { echo $(($(count_events HeartbeatStale proget-0 Warning) + $(count_events HeartbeatStale proget-1 Warning) + $(count_events HeartbeatStale proget-2 Warning))); }
stale_said() { operator_log | grep -F "cluster=$NS/main" | grep -F 'code=HeartbeatStale ' | grep -cF ' error '; }

NODES='["node-a","node-b","node-c"]' servers_apply
for pod in proget-0 proget-1 proget-2; do
    wait_for 60 running "$pod"
    wait_for 30 simulate "$pod" '{"activate":true}'
done
WITHIN=60 ok "three servers are healthy" healthy 3
before=$(sidecars)

# --- no answer: its hold of two minutes runs while the rest is done ---
simulate proget-0 '{"mode":"noanswer"}'

# --- a product that crashes, and crashes again ---
for count in 1 2 3; do
    nodes crash "$NS/proget-1" proget >/dev/null
    [ "$count" = 3 ] || wait_for 30 "[ \"\$(product_restarts proget-1)\" = $count ] && simulate proget-1 '{}'"
done
WITHIN=30 ok "crashed: the sidecar reports the server out of reach" reports proget-1 unreachable
WITHIN=60 ok "restarted: it reports it well again" reports proget-1 ok
ok "restarted three times within an hour: ContainerRestarting" finding ContainerRestarting proget-1
ok "only the product was restarted" "[ \"\$(product_restarts proget-1)\" = 3 ]"

# --- a product that is slow ---
simulate proget-1 '{"mode":"slow","delaySeconds":10}'
slow_since=$(lease_json proget-1 | jq -r .spec.renewTime)
WITHIN=60 ok "slow: the heartbeat goes on" renewed proget-1 "$(date -u -d "$slow_since + 8 seconds" +%Y-%m-%dT%H:%M:%S.000000Z)"
holds "slow: the heartbeat is fresh" "cluster_json | jq -e '.status.members[] | select(.name == \"proget-1\").heartbeat == \"Fresh\"'"
simulate proget-1 '{"mode":"ok"}'
WITHIN=60 ok "slow no more: it reports it well" reports proget-1 ok

# --- a product that is cut off in the middle ---
simulate proget-1 '{"mode":"cut"}'
WITHIN=30 ok "cut: the sidecar reports that there is no answer" reports proget-1 unreachable
ok "cut: its log says why" "sidecar_log proget-1 | grep -F 'health is unreachable' | grep -qF 'the connection was closed before the answer was complete'"
simulate proget-1 '{"mode":"ok"}'
WITHIN=30 ok "whole again: it reports it well" reports proget-1 ok
holds "nothing of all that lasted long enough to be announced" "! event HealthUnreachable proget-1 && ! event HealthError proget-1"

# --- a product that talks nonsense ---
simulate proget-1 '{"mode":"garbage","garbageBytes":1048576}'
WITHIN=60 ok "1 MiB of garbage: HealthError" finding HealthError proget-1
ok "garbage: announced once" event HealthError proget-1 Warning 1
ok "garbage: what is told of it can be printed" "kubectl -n $NS get pod proget-1 -o json | jq -e '
    .metadata.annotations[\"proget-operator.io/finding.HealthError\"] | (test(\"[[:cntrl:]]\") | not) and length <= 1024'"
simulate proget-1 '{"mode":"ok"}'
WITHIN=60 ok "sense again: it is over" no_finding HealthError
ok "garbage: resolved once" event HealthError proget-1 Normal 1

# --- an administrator deletes its Lease ---
old=$(lease_json proget-2 | jq -r .metadata.uid)
kubectl -n "$NS" delete lease proget-proget-2 >/dev/null
WITHIN=30 ok "a deleted Lease comes again" "lease_json proget-2 | jq -e '.metadata.uid != \"$old\" and .metadata.ownerReferences[0].name == \"proget-2\"'"
ok "with its report" reports proget-2 ok
WITHIN=60 ok "and three servers are healthy, or would be but for proget-0" "cluster_json | jq -e '[.status.members[] | select(.heartbeat == \"Fresh\")] | length == 3'"
ok "the sidecar's log says it" "sidecar_log proget-2 | grep -qF 'the Lease is gone, creating it again'"

# --- the sidecar itself stops ---
stale=$(count_events HeartbeatStale proget-2 Warning)
over=$(count_events HeartbeatStale proget-2 Normal)
pid=$(sidecar_pid proget-2)
kill -STOP "$pid"
WITHIN=60 ok "a sidecar that is stopped: HeartbeatStale" finding HeartbeatStale proget-2
ok "stopped: announced once" "[ \$(count_events HeartbeatStale proget-2 Warning) = $((stale + 1)) ]"
ok "stopped: proget-2 is annotated as in error" annotation proget-2 status error
ok "stopped: its row says so" "cluster_json | jq -e '.status.members[] | select(.name == \"proget-2\").heartbeat == \"Stale\"'"
kill -CONT "$pid"
WITHIN=60 ok "it goes on: over" "cluster_json | jq -e '[.status.findings[]? | select(.code == \"HeartbeatStale\")] == []'"
ok "resolved once" "[ \$(count_events HeartbeatStale proget-2 Normal) = $((over + 1)) ]"

# --- an API server that hangs: no kubectl until it goes on ---
# A sidecar tries again every 20 s at the latest: the limit allows for that, and both outages would be too long without.
kubectl -n "$NS" patch progetcluster main --type=merge -p '{"spec":{"heartbeat":{"staleAfterSeconds":25}}}' >/dev/null
WITHIN=30 ok "the new limit is in force" "lease_json proget-1 | jq -e '.spec.leaseDurationSeconds == 25'"
read -r api_pid _ <"$WORLD/cluster/pids/kube-apiserver"
stale=$(all_stale)
# One operator alone, so that its words can be counted: with two, each says it.
kubectl -n proget-operator scale deployment/proget-operator --replicas=1 >/dev/null
wait_for 60 "[ \"\$(kubectl -n proget-operator get pods -o name | wc -l)\" = 1 ] && operator_leads"
lost=$(said_lost)
silent_since_ms=$(cluster_now_ms)
kill -STOP "$api_pid"
wait_for 60 "silent_for 15000 && sidecar_log proget-1 | grep -qF 'the API server does not answer'"
kill -CONT "$api_pid"
resumed=$(date -u +%Y-%m-%dT%H:%M:%S.000000Z)
for pod in proget-0 proget-1 proget-2; do WITHIN=60 ok "hung no more: $pod catches up" renewed "$pod" "$resumed"; done
holds "hung: the sidecar said once that the API server does not answer" "[ \$(sidecar_log proget-1 | grep -cF 'the API server does not answer') = 1 ]"
ok "and says that its heartbeat arrives again" "[ \$(sidecar_log proget-1 | grep -cF 'the heartbeat arrives again') = 1 ]"
holds "the operator said it once at the most" "[ \$((\$(said_lost) - $lost)) -le 1 ]"
WITHIN=90 ok "and took back what it said" took_back
holds "hung: no heartbeat was called stale" "[ \$(all_stale) = $stale ]"

# --- an API server that is killed, and comes back after a time longer than the limit ---
lost=$(said_lost)
stale_said_before=$(stale_said)
mapfile -d '' -t api_arguments <"/proc/$api_pid/cmdline"
silent_since_ms=$(cluster_now_ms)
kill -KILL "$api_pid"
wait_for 60 "! cluster_runs '$WORLD/cluster' kube-apiserver && silent_for 35000 && [ \$(said_lost) -gt $lost ]"
cluster_spawn "$WORLD/cluster" kube-apiserver "${api_arguments[@]}"
wait_for 60 kubectl get --raw /readyz
resumed=$(date -u +%Y-%m-%dT%H:%M:%S.000000Z)
for pod in proget-0 proget-1 proget-2; do WITHIN=60 ok "killed: $pod catches up" renewed "$pod" "$resumed"; done
WITHIN=90 ok "the operator says that the API server is back" took_back
holds "and said once that it was out of reach" "[ \$((\$(said_lost) - $lost)) = 1 ]"
# Nobody could see a heartbeat in that time, so its absence says nothing of the servers.
holds "killed: no heartbeat is called stale for it" "[ \$(all_stale) = $stale ]"
holds "killed: not in the log either" "[ \$(stale_said) = $stale_said_before ]"
holds "a watch whose version expired is not called an API server out of reach" "! operator_log | grep -F '$out_of_reach' | grep -F 'HTTP 410'"
# The controllers take up their watches again after back-offs of their own.
WITHIN=180 ok "the nodes are well" "kubectl wait --for=condition=Ready node --all --timeout=1s"

# --- and the one without an answer ---
WITHIN=150 ok "no answer for two minutes: HealthUnreachable" finding HealthUnreachable proget-0
ok "no answer: announced once" event HealthUnreachable proget-0 Warning 1
ok "no answer: proget-0 is annotated" annotation proget-0 status warning
simulate proget-0 '{"mode":"ok"}'
WITHIN=60 ok "it answers again: over" no_finding HealthUnreachable
ok "resolved once" event HealthUnreachable proget-0 Normal 1
holds "announced no second time" event HealthUnreachable proget-0 Warning 1
WITHIN=60 ok "three servers are healthy in the end" healthy 3
holds "the same sidecars, never restarted" "[ '$before' = \"\$(sidecars)\" ]"
kubectl -n proget-operator scale deployment/proget-operator --replicas=2 >/dev/null
wait_for 60 "kubectl -n proget-operator rollout status deployment/proget-operator --timeout=1s"
