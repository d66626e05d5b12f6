# Servers that nobody declared: a ProGetCluster is made for them at once, steps back for a user's own, and goes with its
# workload.
# shellcheck shell=bash
discovered_json() { kubectl -n "$NS" get progetcluster proget -o json; }
discovered_says() { discovered_json | jq -e "$1"; }
clusters_are() { # NAME...: these and no others
    [ "$(kubectl -n "$NS" get progetclusters -o jsonpath='{.items[*].metadata.name}')" = "$*" ]
}
# seconds_until CODE: from the workload's creation until the finding stands.
seconds_until() {
    local created
    created=$(kubectl -n "$NS" get statefulset proget -o jsonpath='{.metadata.creationTimestamp}')
    discovered_json | jq -e --arg code "$1" --arg created "$created" \
        '.status.findings[] | select(.code == $code) | (.since | sub("\\.[0-9]+"; "") | fromdate) - ($created | fromdate)' | head -n 1
}

# A user's own cluster that comes a moment after its workload, as kubectl apply -k sorts them: none is discovered.
REPLICAS=1 SIDECAR=no NS=$NS-declared CLUSTER=no servers_apply
NS=$NS-declared cluster_manifest | kubectl apply -f - >/dev/null

REPLICAS=2 SIDECAR=no PRIORITY='' CLUSTER=no servers_apply
ok "a cluster named after the workload" discovered_json
ok "it is labelled as discovered" discovered_says '.metadata.labels["proget-operator.io/discovered"] == "true"'
holds "it selects by the workload's own selector" discovered_says '.spec.selector == {"matchLabels": {"app": "proget"}} and .spec.product == "ProGet"'
uid=$(kubectl -n "$NS" get statefulset proget -o jsonpath='{.metadata.uid}')
holds "the workload owns it" discovered_says '.metadata.ownerReferences | length == 1 and (.[0] | .kind == "StatefulSet" and .name == "proget" and .uid == "'"$uid"'")'
export CLUSTER_NAME=proget
ok "that it is not declared is said of it" finding ClusterNotDeclared proget
ok "as an information, once" event ClusterNotDeclared proget Normal 1
WITHIN=60 ok "and what is wrong with its servers" finding PriorityClassMissing proget-0
ok "announced once" event PriorityClassMissing proget-0 Warning 1
ok "annotated on the pod" annotation proget-0 status warning
ok "in the log" logged PriorityClassMissing
holds "the first findings stood within 10 s of the workload's creation" "[ \"\$(seconds_until ClusterNotDeclared)\" -le 10 ]"
holds "it has no settings but defaults" discovered_says '.spec.heartbeat.intervalSeconds == 30 and .spec.licence.maxServers == 5'

# --- a user declares it ---
servers_uid=$(uid_of proget-0)
cluster_manifest | kubectl apply -f - >/dev/null
CLUSTER_NAME=main WITHIN=60 ok "the user's own takes the servers" "cluster_json | jq -e '.status.servers == 2'"
CLUSTER_NAME=main ok "and their findings" finding PriorityClassMissing proget-0
WITHIN=60 ok "the discovered one says Superseded" discovered_says '[.status.conditions[].reason] | length > 0 and all(. == "Superseded")'
ok "by whom" discovered_says '.status.conditions[0].message | contains("ProGetCluster main")'
ok "and nothing else" discovered_says '([.status.findings[]? | select(.cleared == null)] | length == 0) and (.status.members // [] | length == 0)'
ok "the pods stay annotated" annotation proget-0 finding.PriorityClassMissing
CLUSTER_NAME=main holds "the user's own is declared" no_finding ClusterNotDeclared
# One trouble, one voice: the finding moved from one cluster to another.
ok "it is announced for each cluster at most once" "kubectl -n $NS get events.events.k8s.io -o json | jq -e '[.items[] |
    select(.reason == \"PriorityClassMissing\" and .type == \"Warning\" and .regarding.name == \"proget-0\")] | length <= 2'"
holds "declaring it has restarted nothing" "[ \"\$(uid_of proget-0)\" = $servers_uid ]"
kubectl -n "$NS" delete progetcluster main >/dev/null
WITHIN=60 ok "without the user's own it watches over them again" finding PriorityClassMissing proget-0
ok "there is no third one" clusters_are proget

# --- the workload goes ---
cluster_manifest | kubectl apply -f - >/dev/null
kubectl -n "$NS" delete statefulset proget --wait=false >/dev/null
WITHIN=60 ok "the discovered one goes with the workload, the user's own stays" clusters_are main
wait_for 60 "NS=$NS-declared running proget-0"
NS=$NS-declared holds "where one was declared in time, none was discovered" clusters_are main
holds "the operator did not try to delete anything" "! jq -e 'select(.user.username == \"system:serviceaccount:proget-operator:proget-operator\" and .verb == \"delete\")' '$WORLD/cluster/audit.log'"
NS=$NS-declared namespace_end
unset CLUSTER_NAME
