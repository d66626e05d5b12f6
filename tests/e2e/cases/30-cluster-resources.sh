# ProGetClusters that select wrongly: nothing, or what another one has; and one that is deleted.
# shellcheck shell=bash
cluster_named() { # NAME LABEL: as cluster_manifest, of the pods labelled app: LABEL
    cluster_manifest | jq --arg name "$1" --arg app "$2" '.metadata.name = $name | .spec.selector.matchLabels.app = $app'
}
members_are() { cluster_json | jq -e --argjson n "$1" '.status.servers == $n'; }
ours_on() { kubectl -n "$NS" get pods -l "app=$1" -o json | jq -e '[.items[].metadata.annotations // {} | keys[] | select(startswith("proget-operator.io/"))] | length > 0'; }
none_of_ours_on() { kubectl -n "$NS" get pods -l "app=$1" -o json | jq -e '(.items | length > 0) and
    ([.items[].metadata.annotations // {} | keys[] | select(startswith("proget-operator.io/"))] | length == 0)'; }

namespace_make
cluster_named empty typo | kubectl apply -f - >/dev/null # its hold of two minutes runs meanwhile
REPLICAS=2 SIDECAR=no servers_apply
# A server under a name of its own, which is a cluster's only because somebody says so.
cluster_named renamed packages | kubectl apply -f - >/dev/null
kubectl -n "$NS" create deployment packages --image=registry.example.com/packages:25.0.13 >/dev/null
wait_for 60 running proget-0
wait_for 60 running proget-1
WITHIN=60 ok "the servers are main's" members_are 2
WITHIN=60 ok "their pods are annotated" "annotation proget-0 status && annotation proget-1 status"
CLUSTER_NAME=renamed WITHIN=60 ok "the renamed server is its cluster's" members_are 1
WITHIN=60 ok "its pod is annotated" ours_on packages
CLUSTER_NAME=empty holds "that the third selects nothing is not said at once" no_finding ClusterEmpty

# --- two select the same ---
# Its name comes first, so that only its age puts it last; ages count in seconds.
wait_for 10 "[ \$(date +%s) -gt \$(date -d \"\$(kubectl -n $NS get progetcluster main -o jsonpath='{.metadata.creationTimestamp}')\" +%s) ]"
cluster_named another proget | kubectl apply -f - >/dev/null
for pair in "main another" "another main"; do
    read -r CLUSTER_NAME other <<<"$pair"
    WITHIN=60 ok "$CLUSTER_NAME overlaps with $other" "cluster_json | jq -e '.status.findings[] | select(.code == \"ClusterOverlap\" and
        .object.name == \"$CLUSTER_NAME\" and .related[0].name == \"$other\" and .cleared == null)'"
    ok "$CLUSTER_NAME: announced once" event ClusterOverlap "$CLUSTER_NAME" Warning 1
    ok "$CLUSTER_NAME: in the log" logged ClusterOverlap
    ok "$CLUSTER_NAME: not ready" condition Ready False
done
CLUSTER_NAME=main
ok "the older keeps the pods" members_are 2
CLUSTER_NAME=another ok "the younger has none" members_are 0
ok "the pods stay annotated" "annotation proget-0 status && annotation proget-1 status"
kubectl -n "$NS" delete progetcluster another >/dev/null
WITHIN=60 ok "it is over" no_finding ClusterOverlap
ok "resolved once" event ClusterOverlap main Normal 1
holds "announced no second time" event ClusterOverlap main Warning 1
ok "the operator has let go of the other" "operator_log | grep -F 'cluster=$NS/another' | grep -qF 'no longer watching this cluster'"

# --- deleted ---
kubectl -n "$NS" delete progetcluster renamed >/dev/null
WITHIN=60 ok "our annotations are taken off the deleted cluster's pod" none_of_ours_on packages
holds "which restarted nothing" "[ \"\$(kubectl -n $NS get pods -l app=packages -o json | jq '.items | length')\" = 1 ]"
# main's servers look like the product: they are found again, and every moment in between is in the watch.
kubectl -n "$NS" get pod proget-0 --watch --output-watch-events -o json >"$WORLD/watched" &
watcher=$!
wait_for 20 test -s "$WORLD/watched"
kubectl -n "$NS" delete progetcluster main >/dev/null
CLUSTER_NAME=proget WITHIN=60 ok "what looks like the product is discovered" members_are 2
WITHIN=60 ok "in between, the annotations were off" "jq -es '[.[] | .object.metadata.annotations // {} | keys | map(startswith(\"proget-operator.io/\")) | any] |
    index(true) < index(false)' '$WORLD/watched'"
WITHIN=60 ok "and now they are the discovered one's" annotation proget-0 status
kill "$watcher"
wait "$watcher" 2>/dev/null
rm -f "$WORLD/watched"

# --- nothing ---
CLUSTER_NAME=empty
WITHIN=150 ok "after two minutes: ClusterEmpty" finding ClusterEmpty empty
ok "announced once" event ClusterEmpty empty Warning 1
ok "in the log" logged ClusterEmpty
holds "not before its time" "cluster_json | jq -e '(.status.findings[] | select(.code == \"ClusterEmpty\").since |
    sub(\"\\\\.[0-9]+\"; \"\") | fromdate) - (.metadata.creationTimestamp | fromdate) >= 119'"
kubectl -n "$NS" patch progetcluster empty --type=merge -p '{"spec":{"selector":{"matchLabels":{"app":"packages"}}}}' >/dev/null
WITHIN=60 ok "over, once the selector is mended" no_finding ClusterEmpty
ok "resolved once" event ClusterEmpty empty Normal 1
holds "and said no second time" event ClusterEmpty empty Warning 1
unset CLUSTER_NAME
