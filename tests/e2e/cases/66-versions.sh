# A rolling update in good order is no finding; the version follows. And servers without a sidecar.
# shellcheck shell=bash

versions_are() { # VERSION: every member reports it, and nothing else
    cluster_json | jq -e --arg version "$1" \
        '.status.version == $version and ([.status.members[] | select(.version == $version and .versionInSync and .heartbeat == "Fresh")] | length == 3)'
}
# versions_complaints: the Warnings that we said so far, as sorted lines.
versions_complaints() {
    kubectl -n "$NS" get events.events.k8s.io -o json | jq -r '[.items[] | select(.type == "Warning" and
        .reportingController == "proget-operator.io/operator") | "\(.reason) \(.regarding.kind)/\(.regarding.name) \(.metadata.name)"] | sort | .[]'
}
# versions_beat SINCE: every server has made a heartbeat since then.
versions_beat() {
    kubectl -n "$NS" get leases -o json | jq -e --arg since "$1" '[.items[] | select(.metadata.labels["app.kubernetes.io/managed-by"] == "proget-sidecar"
        and .metadata.deletionTimestamp == null) | .spec.renewTime] | length >= 3 and all(.[]; . > $since)'
}
versions_now() { date -u +%Y-%m-%dT%H:%M:%S.%6NZ; }
# versions_update KIND/NAME TAG: as a user rolls out a new version.
versions_update() {
    kubectl -n "$NS" set image "$1" "proget=proget.inedo.com/productimages/inedo/proget:$2" >/dev/null
    WITHIN=120 ok "$1: the rollout to $2 comes to its end" kubectl -n "$NS" rollout status "$1" --timeout=1s
}

# --- a StatefulSet: one server after the other, each under its old name ---
servers_apply
for pod in proget-0 proget-1 proget-2; do wait_for 60 running "$pod"; done
activate_all
for node in node-e node-f; do kubectl cordon "$node" >/dev/null; done # the update is to stay on known CPUs
for pod in proget-0 proget-1 proget-2; do
    case $(node_of "$pod") in node-e | node-f) replace_pod "$pod" ;; esac
done
activate_all
WITHIN=60 ok "three servers are healthy" healthy 3
WITHIN=60 ok "status.version is theirs" versions_are "2025.13 (Build 2)"
complaints=$(versions_complaints)
versions_update statefulset/proget 25.0.14
WITHIN=60 ok "status.version follows the rollout" versions_are "2025.14 (Build 2)"
WITHIN=60 ok "three servers are healthy again" healthy 3
WITHIN=60 ok "their heartbeats go on" versions_beat "$(versions_now)"
ok "condition VersionInSync" condition VersionInSync True
holds "no VersionMismatch" no_finding VersionMismatch
holds "the rollout raised no Warning" "! versions_complaints | grep -qvxF -- \"\$complaints\""
versions_complaints | grep -vxF -- "$complaints" | sed 's/^/  new: /'
ok "the pods are annotated healthy" "annotation proget-0 status healthy && annotation proget-1 status healthy && annotation proget-2 status healthy"
kubectl -n "$NS" delete statefulset proget --wait=false >/dev/null
wait_for 60 "[ -z \"\$(kubectl -n $NS get pods -l app=proget -o name)\" ]"

# --- a Deployment: a new pod first, then an old one goes ---
WORKLOAD=Deployment servers_apply
wait_for 60 kubectl -n "$NS" rollout status deployment/proget --timeout=1s
WITHIN=60 ok "Deployment: status.version is theirs" versions_are "2025.13 (Build 2)"
WITHIN=60 ok "Deployment: three servers are healthy" healthy 3
complaints=$(versions_complaints)
versions_update deployment/proget 25.0.14
WITHIN=60 ok "Deployment: status.version follows the rollout" versions_are "2025.14 (Build 2)"
WITHIN=60 ok "Deployment: three servers are healthy again" healthy 3
WITHIN=60 ok "Deployment: their heartbeats go on" versions_beat "$(versions_now)"
holds "Deployment: no VersionMismatch" no_finding VersionMismatch
holds "Deployment: the rollout raised no Warning" "! versions_complaints | grep -qvxF -- \"\$complaints\""
versions_complaints | grep -vxF -- "$complaints" | sed 's/^/  new: /'
kubectl -n "$NS" delete deployment proget --wait=false >/dev/null
wait_for 60 "[ -z \"\$(kubectl -n $NS get pods -l app=proget -o name)\" ]"

# --- without a sidecar ---
SIDECAR=no servers_apply
for pod in proget-0 proget-1 proget-2; do
    wait_for 60 running "$pod"
    WITHIN=60 ok "without a sidecar: SidecarMissing on $pod" finding SidecarMissing "$pod"
    ok "without a sidecar: said of $pod, as no Warning" event SidecarMissing "$pod" Normal 1
    ok "without a sidecar: $pod is annotated with it" annotation "$pod" findings
done
ok "without a sidecar: it is information" "cluster_json | jq -e '[.status.findings[] | select(.code == \"SidecarMissing\") | .severity] | unique == [\"info\"]'"
holds "without a sidecar: no heartbeat is missed" "no_finding HeartbeatMissing && no_finding HeartbeatStale"
holds "without a sidecar: versions are not told apart" no_finding VersionMismatch
ok "without a sidecar: the servers count as healthy" healthy 3

for node in node-e node-f; do kubectl uncordon "$node" >/dev/null; done
unset complaints
