# What the end-to-end cases share; sourced by run.sh and by each case. A case reads the result with kubectl, as a user
# does, and waits for conditions, never for time.
# shellcheck shell=bash
# shellcheck source=tests/e2e/world.sh
. "$(dirname "${BASH_SOURCE[0]}")/world.sh"

e2e_passed=0
e2e_failed=0
PUBLIC_HOST=localhost # stands for the activation host: no test calls anybody outside

# ok WHAT COMMAND...: one assertion, waited for up to WITHIN seconds (default 20).
ok() {
    local what=$1
    shift
    if wait_for "${WITHIN:-20}" "$@"; then
        e2e_passed=$((e2e_passed + 1))
        printf 'ok    %s: %s\n' "${CASE:-}" "$what"
        return 0
    fi
    e2e_failed=$((e2e_failed + 1))
    printf 'FAIL  %s: %s\n' "${CASE:-}" "$what"
    case_evidence
    return 0
}

# holds WHAT COMMAND...: one assertion about now, not waited for.
holds() { WITHIN=0 ok "$@"; }

# What helps to see why a case failed.
case_evidence() {
    printf '  -- cluster:\n'
    kubectl -n "$NS" get progetclusters,pods -o wide 2>&1 | sed 's/^/  /'
    kubectl -n "$NS" get progetclusters -o json 2>/dev/null |
        jq -c '.items[] | .metadata.name as $n | .status.findings[]? | [$n, .code, .object.name, .cause, .since, .announced, .cleared]' | sed 's/^/  /'
    printf '  -- operator:\n'
    operator_log | tail -n 15 | sed 's/^/  /'
}

# --- servers -------------------------------------------------------------------------------------------------------
# servers_apply: applies three ProGet servers in namespace $NS. Variables change them:
#   WORKLOAD StatefulSet|Deployment   REPLICAS 3      SPREAD required|none     PRIORITY class name or ""
#   IMAGE_TAG 25.0.13                 QOS guaranteed|none    PROBE ""|liveness on /health     NODES "" (JSON list: required)
#   KEY secret|literal:HEX|none       SIDECAR yes|no         CLUSTER yes|no    INTERVAL 1     ACTIVATION Auto|Allowed|Blocked
#   BUDGET yes|no (a PodDisruptionBudget that lets one go)
servers_manifest() {
    local replicas=${REPLICAS:-3} tag=${IMAGE_TAG:-25.0.13} kind=${WORKLOAD:-StatefulSet}
    jq -n --arg ns "$NS" --argjson replicas "$replicas" --arg tag "$tag" --arg kind "$kind" --arg spread "${SPREAD:-required}" \
        --arg priority "${PRIORITY-e2e}" --arg qos "${QOS:-guaranteed}" --arg probe "${PROBE:-}" --arg key "${KEY:-secret}" \
        --arg sidecar "${SIDECAR:-yes}" --argjson nodes "${NODES:-null}" --argjson port "$WORLD_PRODUCT_PORT" '
    def labels: {app: "proget"};
    def amounts($cpu; $memory): {requests: {cpu: $cpu, memory: $memory}, limits: {cpu: $cpu, memory: $memory}};
    def field($name; $path): {name: $name, valueFrom: {fieldRef: {fieldPath: $path}}};
    def key_variable:
        if $key == "secret" then [{name: "PROGET_ENCRYPTION_KEY", valueFrom: {secretKeyRef: {name: "key", key: "key"}}}]
        elif $key == "none" then []
        else [{name: "PROGET_ENCRYPTION_KEY", value: ($key | ltrimstr("literal:"))}] end;
    def sidecar: {
        name: "proget-sidecar", image: "proget-sidecar:0.1.0", restartPolicy: "Always",
        args: ["--key-file=/var/run/secrets/proget-sidecar/key"],
        env: ([field("POD_NAME"; "metadata.name"), field("POD_NAMESPACE"; "metadata.namespace"), field("POD_UID"; "metadata.uid"),
               field("POD_IP"; "status.podIP"), field("NODE_NAME"; "spec.nodeName")] + key_variable),
        resources: amounts("20m"; "24Mi"),
        volumeMounts: [{name: "token", mountPath: "/var/run/secrets/kubernetes.io/serviceaccount", readOnly: true},
                       {name: "key", mountPath: "/var/run/secrets/proget-sidecar", readOnly: true}]};
    def product: {
        name: "proget", image: "proget.inedo.com/productimages/inedo/proget:\($tag)",
        env: (key_variable + [{name: "PROGET_POSTGRES_CONNECTION_STRING", value: "Host=db"}]),
        readinessProbe: {httpGet: {path: "/health", port: $port}, periodSeconds: 1},
        volumeMounts: [{name: "packages", mountPath: "/var/proget/packages"}],
        resources: (if $qos == "guaranteed" then amounts("100m"; "128Mi") else {} end)}
        + (if $probe == "" then {} else {livenessProbe: {httpGet: {path: $probe, port: $port}, periodSeconds: 3600, initialDelaySeconds: 3600}} end);
    def pod_spec: {
        terminationGracePeriodSeconds: 3, automountServiceAccountToken: false,
        containers: [product],
        initContainers: (if $sidecar == "yes" then [sidecar] else [] end),
        volumes: [
            {name: "packages", nfs: {server: "storage.example.com", path: "/packages"}},
            {name: "token", projected: {sources: [
                {serviceAccountToken: {path: "token", expirationSeconds: 3600}},
                {configMap: {name: "kube-root-ca.crt", items: [{key: "ca.crt", path: "ca.crt"}]}},
                {downwardAPI: {items: [{path: "namespace", fieldRef: {fieldPath: "metadata.namespace"}}]}}]}},
            {name: "key", secret: {secretName: "key", optional: true}}]}
        + (if $priority == "" then {} else {priorityClassName: $priority} end)
        + {affinity: (
            (if $spread == "required" then {podAntiAffinity: {requiredDuringSchedulingIgnoredDuringExecution:
                [{topologyKey: "kubernetes.io/hostname", labelSelector: {matchLabels: labels}}]}} else {} end)
            + (if $nodes == null then {} else {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms:
                [{matchExpressions: [{key: "kubernetes.io/hostname", operator: "In", values: $nodes}]}]}}} end))};
    {apiVersion: "apps/v1", kind: $kind, metadata: {name: "proget", namespace: $ns, labels: labels},
     spec: ({replicas: $replicas, selector: {matchLabels: labels},
             template: {metadata: {labels: labels}, spec: pod_spec}}
            + (if $kind == "StatefulSet" then {serviceName: "proget", podManagementPolicy: "Parallel"} else {} end))}'
}

cluster_manifest() {
    jq -n --arg ns "$NS" --argjson interval "${INTERVAL:-1}" --arg activation "${ACTIVATION:-Auto}" --arg host "$PUBLIC_HOST" '
    {apiVersion: "proget-operator.io/v1alpha1", kind: "ProGetCluster", metadata: {name: "main", namespace: $ns},
     spec: {selector: {matchLabels: {app: "proget"}},
            heartbeat: {intervalSeconds: $interval, staleAfterSeconds: ($interval + 9)},
            activation: {internetAccess: $activation, host: $host}}}'
}

budget_manifest() {
    jq -n --arg ns "$NS" '{apiVersion: "policy/v1", kind: "PodDisruptionBudget", metadata: {name: "proget", namespace: $ns},
        spec: {maxUnavailable: 1, selector: {matchLabels: {app: "proget"}}}}'
}

# namespace_make: the namespace $NS with its Secret and the permission of the sidecars.
namespace_make() {
    kubectl get namespace "$NS" >/dev/null 2>&1 || kubectl create namespace "$NS" >/dev/null
    kubectl get priorityclass e2e >/dev/null 2>&1 || kubectl create priorityclass e2e --value=1000000 >/dev/null
    wait_for 20 kubectl -n "$NS" get serviceaccount default
    kubectl -n "$NS" get secret key >/dev/null 2>&1 ||
        kubectl -n "$NS" create secret generic key --from-literal=key="${KEY_VALUE:-0f1e2d3c4b5a69788796a5b4c3d2e1f0}" >/dev/null
    kubectl kustomize "$root/tests/e2e/manifests/role" | kubectl -n "$NS" apply -f - >/dev/null
}

servers_apply() {
    namespace_make
    [ "${CLUSTER:-yes}" = no ] || cluster_manifest | kubectl apply -f - >/dev/null
    [ "${BUDGET:-yes}" = no ] || budget_manifest | kubectl apply -f - >/dev/null
    servers_manifest | kubectl apply -f - >/dev/null
}

namespace_end() {
    kubectl delete namespace "$NS" --wait=false >/dev/null 2>&1 || true
}

# --- reading, as a user does ---------------------------------------------------------------------------------------
cluster_json() { kubectl -n "$NS" get progetcluster "${CLUSTER_NAME:-main}" -o json; }
# finding CODE [OBJECT [CAUSE]]: it stands in the status.
finding() {
    cluster_json | jq -e --arg code "$1" --arg object "${2:-}" --arg cause "${3:-}" \
        '[.status.findings[]? | select(.code == $code and .cleared == null and ($object == "" or .object.name == $object)
          and ($cause == "" or .cause == $cause))] | length > 0'
}
no_finding() {
    cluster_json | jq -e --arg code "$1" '.status != null and ([.status.findings[]? | select(.code == $code)] | length == 0)'
}
# event CODE OBJECT [TYPE [COUNT]]: an Event of ours about it, of that type (Warning, Normal), that many.
event() {
    kubectl -n "$NS" get events.events.k8s.io -o json | jq -e --arg code "$1" --arg object "$2" --arg type "${3:-}" --argjson count "${4:-0}" \
        '[.items[] | select(.reason == $code and .regarding.name == $object and .reportingController == "proget-operator.io/operator"
          and ($type == "" or .type == $type))] | length | (if $count == 0 then . > 0 else . == $count end)'
}
# resolved CODE OBJECT: the Event that says that it is over.
resolved() {
    kubectl -n "$NS" get events.events.k8s.io -o json | jq -e --arg code "$1" --arg object "$2" \
        '[.items[] | select(.reason == $code and .regarding.name == $object and .action == "Resolved")] | length > 0'
}
# annotation POD NAME [VALUE]: as kubectl describe shows it.
annotation() {
    kubectl -n "$NS" get pod "$1" -o json | jq -e --arg name "proget-operator.io/$2" --arg value "${3:-}" \
        '.metadata.annotations[$name] as $v | $v != null and ($value == "" or $v == $value)'
}
no_annotation() { kubectl -n "$NS" get pod "$1" -o json | jq -e --arg name "proget-operator.io/$2" '.metadata.annotations[$name] == null'; }
condition() { # TYPE STATUS
    cluster_json | jq -e --arg type "$1" --arg status "$2" '.status.conditions[]? | select(.type == $type and .status == $status)'
}
healthy() { cluster_json | jq -e --argjson n "$1" '.status.healthyServers == $n'; }
logged() { operator_log | grep -F -- "cluster=$NS/${CLUSTER_NAME:-main}" | grep -qF -- "code=$1 "; }
uid_of() { kubectl -n "$NS" get pod "$1" -o jsonpath='{.metadata.uid}'; }
node_of() { kubectl -n "$NS" get pod "$1" -o jsonpath='{.spec.nodeName}'; }
running() { # POD [not this UID]
    kubectl -n "$NS" get pod "$1" -o json | jq -e --arg uid "${2:-}" '.status.phase == "Running" and .metadata.uid != $uid'
}
simulate() { # POD JSON: what the product in the pod is to do
    curl -fsS -X PUT -d "$2" "http://$(kubectl -n "$NS" get pod "$1" -o jsonpath='{.status.podIP}'):$WORLD_PRODUCT_PORT/simulate" >/dev/null
}
# activate: every machine of the world's nodes, so that no case meets an activation that it does not ask for.
activate_all() {
    local pod
    for pod in $(kubectl -n "$NS" get pods -l app=proget -o name); do simulate "${pod#pod/}" '{"activate":true}'; done
}
replace_pod() { # POD: deletes it and waits for its successor
    local old
    old=$(uid_of "$1")
    kubectl -n "$NS" delete pod "$1" --wait=false >/dev/null
    wait_for 60 running "$1" "$old"
}

# --- the books: what was said against what stands -------------------------------------------------------------------
# books: Detected and Resolved of each reason and object, and how many of that code and object stand. What ends
# because its pod is gone is not announced: gone pods do not count.
books() {
    kubectl -n "$NS" get events.events.k8s.io -o json | jq -c --slurpfile cluster <(cluster_json) \
        --argjson pods "$(kubectl -n "$NS" get pods -o json | jq -c '[.items[].metadata.uid]')" '
        [$cluster[0].status.findings[] | select(.cleared == null and .code != "Evicted") | {reason: .code, uid: (.object.uid // $cluster[0].metadata.uid)}] as $standing |
        [.items[] | select(.reportingController == "proget-operator.io/operator" and .reason != "Evicted"
            and (.regarding.kind != "Pod" or (.regarding.uid | IN($pods[])))) | {reason, uid: .regarding.uid, action, time: .eventTime}] as $said |
        ([$standing[], ($said[] | {reason, uid})] | unique | .[]) as $one |
        {reason: $one.reason, uid: $one.uid,
         detected: [$said[] | select(.reason == $one.reason and .uid == $one.uid and .action == "Detected")] | length,
         resolved: [$said[] | select(.reason == $one.reason and .uid == $one.uid and .action == "Resolved")] | length,
         stands: [$standing[] | select(. == $one)] | length}'
}
books_balance() {
    local books wrong
    books=$(books)
    [ "$(wc -l <<<"$books")" -ge 8 ] || return 1
    wrong=$(jq -c 'select(.detected - .resolved != .stands)' <<<"$books")
    [ -z "$wrong" ] || { printf '%s\n' "$wrong" >"$WORLD/logs/books"; return 1; }
}
books_no_twins() { # no two Events say the same moment of the same thing
    kubectl -n "$NS" get events.events.k8s.io -o json | jq -e '[.items[] | select(.reportingController == "proget-operator.io/operator")
        | [.reason, .regarding.uid, .action, .eventTime, (.note | .[0:60])]] | length == (unique | length)'
}
