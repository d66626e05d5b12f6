# Two servers on one node, since nothing forbids it: said of both, and over as soon as one leaves, even while it is
# still shutting down.
# shellcheck shell=bash
# shared POD OTHER: it names the other one and the node.
shared() {
    cluster_json | jq -e --arg pod "$1" --arg other "$2" '[.status.findings[] |
        select(.code == "CoScheduled" and .object.name == $pod and .cleared == null) | .related[] | "\(.kind)/\(.name)"] |
        index("Pod/" + $other) and index("Node/node-a")'
}
apart() { cluster_json | jq -e '[.status.findings[]? | select(.code == "CoScheduled" and .cleared == null)] | length == 0'; }
terminating() { kubectl -n "$NS" get pod "$1" -o json | jq -e --arg uid "$2" '.metadata.uid == $uid and .metadata.deletionTimestamp != null'; }

kubectl cordon node-b >/dev/null
REPLICAS=2 SPREAD=none NODES='["node-a","node-b"]' SIDECAR=no servers_apply
for pod in proget-0 proget-1; do
    wait_for 60 running "$pod"
    wait_for 30 simulate "$pod" '{"activate":true}' # an unready server would hold up the rollouts below
done
for pod in proget-0 proget-1; do
    other=proget-$((1 - ${pod#proget-}))
    WITHIN=60 ok "$pod shares its node" shared "$pod" "$other"
    ok "$pod: announced once" event CoScheduled "$pod" Warning 1
    ok "$pod is annotated with it, naming the other" "kubectl -n $NS get pod $pod -o json |
        jq -e '.metadata.annotations[\"proget-operator.io/finding.CoScheduled\"] | contains(\"$other\") and contains(\"node-a\")'"
    ok "$pod is annotated as in error" annotation "$pod" status error
done
ok "nothing enforces the spread" finding SpreadNotEnforced main
ok "that is announced once" event SpreadNotEnforced main Warning 1
ok "condition ServersSpread is False, by the worst of it" "cluster_json | jq -e '.status.conditions[] |
    select(.type == \"ServersSpread\" and .status == \"False\" and .reason == \"CoScheduled\")'"
ok "the log says both" "logged CoScheduled && logged SpreadNotEnforced"

# --- one leaves: a finalizer keeps it in sight, as a slow shutdown does ---
kubectl uncordon node-b >/dev/null
kubectl cordon node-a >/dev/null
leaving=$(uid_of proget-1)
kubectl -n "$NS" patch pod proget-1 --type=merge -p '{"metadata":{"finalizers":["e2e.proget-operator.io/hold"]}}' >/dev/null
kubectl -n "$NS" delete pod proget-1 --wait=false >/dev/null
WITHIN=60 ok "a server that is terminating shares nothing" apart
holds "and is still there, on that node" "terminating proget-1 $leaving && [ \"\$(node_of proget-1)\" = node-a ]"
for pod in proget-0 proget-1; do ok "$pod: resolved once" event CoScheduled "$pod" Normal 1; done
ok "proget-0 is no longer annotated with it" no_annotation proget-0 finding.CoScheduled
kubectl -n "$NS" patch pod proget-1 --type=merge -p '{"metadata":{"finalizers":null}}' >/dev/null
WITHIN=60 ok "its successor runs on the other node" "running proget-1 $leaving && [ \"\$(node_of proget-1)\" = node-b ]"
kubectl uncordon node-a >/dev/null

# --- and from now on it is enforced ---
wait_for 30 simulate proget-1 '{"activate":true}'
WITHIN=60 ok "the rollout is over" kubectl -n "$NS" rollout status statefulset/proget --timeout=1s
ok "that nothing enforces it stands" finding SpreadNotEnforced main
REPLICAS=2 SPREAD=required NODES='["node-a","node-b"]' SIDECAR=no servers_apply
WITHIN=90 ok "the servers have restarted with it" "kubectl -n $NS rollout status statefulset/proget --timeout=1s"
WITHIN=60 ok "the spread is enforced" no_finding SpreadNotEnforced
ok "resolved once" event SpreadNotEnforced main Normal 1
WITHIN=60 ok "condition ServersSpread is True" condition ServersSpread True
holds "no second announcement" "event SpreadNotEnforced main Warning 1 && event CoScheduled proget-0 Warning 1 && event CoScheduled proget-1 Warning 1"
