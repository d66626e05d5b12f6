# What gets a server killed without need: no requests and limits, and a liveness probe on /health. Said before the first
# restart, and over once the template is mended.
# shellcheck shell=bash
none_stands() { cluster_json | jq -e --arg code "$1" '.status != null and ([.status.findings[]? | select(.code == $code and .cleared == null)] | length == 0)'; }
sentence() { # POD CODE TEXT...: its annotation says all of these
    local pod=$1 code=$2 said text
    shift 2
    said=$(kubectl -n "$NS" get pod "$pod" -o json | jq -er --arg name "proget-operator.io/finding.$code" '.metadata.annotations[$name]') || return 1
    for text in "$@"; do [[ $said == *"$text"* ]] || return 1; done
}
restarts() { kubectl -n "$NS" get pods -l app=proget -o json | jq '[.items[].status | (.containerStatuses[]?, .initContainerStatuses[]?).restartCount] | add'; }

one_cpu='["node-a","node-b","node-c","node-d"]' # so that no server has to be activated anew
NODES=$one_cpu REPLICAS=2 QOS=none PROBE=/health servers_apply
# Only the sidecar, as somebody pasted it, lacks its limits.
NS=$NS-sidecar namespace_make
NS=$NS-sidecar cluster_manifest | kubectl apply -f - >/dev/null
REPLICAS=1 NS=$NS-sidecar servers_manifest | jq 'del(.spec.template.spec.initContainers[0].resources)' | kubectl apply -f - >/dev/null

for pod in proget-0 proget-1; do
    wait_for 60 running "$pod"
    wait_for 30 simulate "$pod" '{"activate":true}' # an unready server would hold up the rollout below
    WITHIN=60 ok "$pod: QosNotGuaranteed" finding QosNotGuaranteed "$pod"
    ok "$pod: it names container and resource" sentence "$pod" QosNotGuaranteed "container proget " cpu
    ok "$pod: it names the class" sentence "$pod" QosNotGuaranteed "$(kubectl -n "$NS" get pod "$pod" -o jsonpath='{.status.qosClass}')"
    ok "$pod: announced once" event QosNotGuaranteed "$pod" Warning 1
    ok "$pod: HealthProbeRestarts" finding HealthProbeRestarts "$pod"
    ok "$pod: it names the probe" sentence "$pod" HealthProbeRestarts "liveness probe" /health
    ok "$pod: that is announced once, too" event HealthProbeRestarts "$pod" Warning 1
    ok "$pod is annotated as in error" annotation "$pod" status error
done
holds "all of that before anything restarted" "[ \"\$(restarts)\" = 0 ]"
ok "the log says both" "logged QosNotGuaranteed && logged HealthProbeRestarts"
ok "condition EvictionResistant is False" condition EvictionResistant False
holds "the readiness probe on /health is no trouble" "cluster_json | jq -e '[.status.findings[] |
    select(.code == \"HealthProbeRestarts\") | .message | contains(\"readiness\")] | any | not'"
NS=$NS-sidecar WITHIN=60 ok "where the sidecar alone is the reason, that is what is said" finding SidecarBreaksQos proget-0
NS=$NS-sidecar holds "and not the other" no_finding QosNotGuaranteed

# --- mended ---
NODES=$one_cpu REPLICAS=2 servers_apply
WITHIN=120 ok "the servers have restarted with the template mended" "kubectl -n $NS rollout status statefulset/proget --timeout=1s"
for code in QosNotGuaranteed HealthProbeRestarts; do
    WITHIN=60 ok "$code is over" none_stands "$code"
    for pod in proget-0 proget-1; do
        ok "$pod: no longer annotated with $code" no_annotation "$pod" "finding.$code"
        holds "$pod: $code was announced once" event "$code" "$pod" Warning 1
    done
done
WITHIN=60 ok "condition EvictionResistant is True" condition EvictionResistant True
NS=$NS-sidecar namespace_end
