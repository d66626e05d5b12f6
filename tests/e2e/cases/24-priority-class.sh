# PriorityClasses: none at all, and one that somebody deletes under a StatefulSet and a Deployment. The class is the
# case's own, so that the others keep theirs.
# shellcheck shell=bash
class=e2e-own
one_cpu='["node-a","node-b","node-c","node-d"]' # so that no server has to be activated anew
class_make() { kubectl create priorityclass "$class" --value=1000000 >/dev/null; }
one_pod() { kubectl -n "$NS" get pods -l app=proget -o jsonpath='{.items[0].metadata.name}'; }
no_pod_lacks_it() { cluster_json | jq -e '[.status.findings[]? | select(.code == "PriorityClassMissing" and .cleared == null)] | length == 0'; }

class_make
NODES=$one_cpu REPLICAS=2 PRIORITY=$class SIDECAR=no NS=$NS-deployment WORKLOAD=Deployment servers_apply
NODES=$one_cpu REPLICAS=2 PRIORITY='' SIDECAR=no servers_apply

# --- none ---
for pod in proget-0 proget-1; do
    wait_for 60 running "$pod"
    wait_for 30 simulate "$pod" '{"activate":true}' # an unready server would hold up the rollout below
    WITHIN=60 ok "$pod has no PriorityClass" finding PriorityClassMissing "$pod"
    ok "$pod: announced once" event PriorityClassMissing "$pod" Warning 1
    ok "$pod is annotated" annotation "$pod" finding.PriorityClassMissing
done
ok "condition EvictionResistant is False" condition EvictionResistant False
ok "the log says it" logged PriorityClassMissing
NODES=$one_cpu REPLICAS=2 PRIORITY=$class SIDECAR=no servers_apply
WITHIN=90 ok "the template names one now, and the servers have restarted" \
    "kubectl -n $NS rollout status statefulset/proget --timeout=1s"
WITHIN=60 ok "no server lacks it any more" no_pod_lacks_it
for pod in proget-0 proget-1; do ok "$pod is no longer annotated" no_annotation "$pod" finding.PriorityClassMissing; done
WITHIN=60 ok "condition EvictionResistant is True" condition EvictionResistant True
holds "it was announced once each" "event PriorityClassMissing proget-0 Warning 1 && event PriorityClassMissing proget-1 Warning 1"

# --- deleted, and a pod is replaced ---
WITHIN=90 ok "the Deployment's servers run" "kubectl -n $NS-deployment rollout status deployment/proget --timeout=1s"
kubectl delete priorityclass "$class" >/dev/null
for workload in "$NS StatefulSet" "$NS-deployment Deployment"; do
    read -r namespace kind <<<"$workload"
    NS=$namespace kubectl -n "$namespace" delete pod "$(NS=$namespace one_pod)" --wait=false >/dev/null
    NS=$namespace WITHIN=60 ok "$kind: names a class that is not there" \
        "cluster_json | jq -e '.status.findings[] | select(.code == \"PriorityClassNotFound\" and .object.kind == \"$kind\" and
            .object.name == \"proget\" and (.message | contains(\"$class\")))'"
    NS=$namespace ok "$kind: announced once" event PriorityClassNotFound proget Warning 1
    NS=$namespace ok "$kind: in the log" logged PriorityClassNotFound
    WITHIN=60 ok "$kind: Kubernetes refuses its pods" "kubectl -n $namespace get events -o json |
        jq -e '.items[] | select(.reason == \"FailedCreate\" and (.message | contains(\"$class\")))'"
done
class_make
for workload in "$NS StatefulSet" "$NS-deployment Deployment"; do
    read -r namespace kind <<<"$workload"
    NS=$namespace WITHIN=60 ok "$kind: it is there again" no_finding PriorityClassNotFound
    NS=$namespace ok "$kind: resolved once" event PriorityClassNotFound proget Normal 1
    NS=$namespace holds "$kind: announced no second time" event PriorityClassNotFound proget Warning 1
done
NS=$NS-deployment namespace_end
kubectl delete priorityclass "$class" >/dev/null
