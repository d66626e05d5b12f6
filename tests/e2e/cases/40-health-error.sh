# A server whose database is in error, for 120 heartbeats: flagged once, and nothing is restarted because of it. And what
# the operator did in this world so far, by the API server's own record.
# shellcheck shell=bash
lives() { kubectl -n "$NS" get pods -l app=proget -o json | jq -c '[.items[] | [.metadata.uid, [.status | (.containerStatuses[]?, .initContainerStatuses[]?).restartCount]]] | sort'; }
said() { operator_log | grep -F "cluster=$NS/main" | grep -F 'code=HealthError ' | grep -cF "$1"; }
renewals() { sort -u "$WORLD/renewals" | wc -l; }

NODES='["node-a","node-b","node-c"]' servers_apply
for pod in proget-0 proget-1 proget-2; do
    wait_for 60 running "$pod"
    wait_for 30 simulate "$pod" '{"activate":true}'
done
WITHIN=60 ok "three servers are healthy" healthy 3
before=$(lives)
kubectl -n "$NS" get lease proget-proget-0 --watch -o jsonpath='{.spec.renewTime}{"\n"}' >"$WORLD/renewals" &
watcher=$!

simulate proget-0 '{"license":"OK","database":"Error","databaseDetail":"connection refused by db:5432"}'
WITHIN=60 ok "proget-0 reports an error" finding HealthError proget-0
ok "it names the component and its detail, and that nothing is restarted" "kubectl -n $NS get pod proget-0 -o json | jq -e '
    .metadata.annotations[\"proget-operator.io/finding.HealthError\"] |
    contains(\"database (connection refused by db:5432)\") and contains(\"Nothing is restarted\")'"
ok "proget-0 is annotated as in error" annotation proget-0 status error
ok "the others are not" "annotation proget-1 status healthy && annotation proget-2 status healthy"
ok "announced" event HealthError proget-0 Warning 1
ok "two servers are healthy" healthy 2
ok "the cluster is not ready" condition Ready False
holds "it is no matter of the licence" no_finding ReactivationRequired

from=$(renewals)
WITHIN=300 ok "120 heartbeats later" "[ \$((\$(renewals) - $from)) -ge 120 ]"
holds "it stands" finding HealthError proget-0
holds "two servers are healthy still" healthy 2
holds "it was announced once" event HealthError proget-0 Warning 1
holds "and said once in the log" "[ \$(said ' error ') = 1 ] && [ \$(said resolved) = 0 ]"
holds "no container was restarted, no pod replaced" "[ '$before' = \"\$(lives)\" ]"
holds "and no other server is accused" "! event HealthError proget-1 && ! event HealthError proget-2"

simulate proget-0 '{"database":"OK","databaseDetail":null}'
WITHIN=60 ok "it is over" no_finding HealthError
ok "resolved once" event HealthError proget-0 Normal 1
ok "three servers are healthy again" healthy 3
ok "proget-0 is annotated as healthy" annotation proget-0 status healthy
holds "announced no second time" event HealthError proget-0 Warning 1
holds "said once in the log that it is over" "[ \$(said ' error ') = 1 ] && [ \$(said resolved) = 1 ]"
holds "the same pods, the same containers" "[ '$before' = \"\$(lives)\" ]"
kill "$watcher"
wait "$watcher" 2>/dev/null
rm -f "$WORLD/renewals"

# --- the API server's record ---
# asked USER-PREFIX: "VERB RESOURCE[/SUBRESOURCE]" of every request, each once. The last line may be half written.
asked() {
    jq -rR --arg user "$1" 'fromjson? | select(.user.username | startswith($user)) |
        "\(.verb) \(.objectRef.resource // .requestURI)\(if .objectRef.subresource then "/" + .objectRef.subresource else "" end)"' \
        "$WORLD/cluster/audit.log" | sort -u
}
beyond() { # USER-PREFIX PATTERN: what it asked beyond the pattern
    asked "$1" | grep -vxE "$2"
}
operator_user=system:serviceaccount:proget-operator:proget-operator
operator_may='(get|list|watch) [a-z]+|create (events|progetclusters|leases)|update leases|patch (events|leases|pods/status|progetclusters/status)'
holds "the operator's requests are on record" "asked $operator_user | grep -qx 'patch pods/status' && asked $operator_user | grep -qx 'create events'"
holds "the operator asked for nothing but what it is there for" "! beyond $operator_user '$operator_may' | grep ."
holds "no Secret was among it" "! asked $operator_user | grep -i secret"
holds "nothing was deleted or evicted by it" "! asked $operator_user | grep -E '^delete|evict'"
holds "the sidecars' requests are on record" "asked system:serviceaccount:e2e- | grep -qx 'patch leases'"
holds "the sidecars wrote Leases and nothing else" "! beyond system:serviceaccount:e2e- '(create|patch) leases' | grep ."
asked "$operator_user" | sed 's/^/      audit: /'
