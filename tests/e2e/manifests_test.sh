#!/usr/bin/env bash
# The manifests on a real API server: what they create, what they refuse, and to whom they give what.
# Needs KUBECONFIG (an administrator's, of a server that may be changed), kubectl, curl and jq on PATH.
# Prints `ok N - what` or `not ok N - what`, at the end `N passed, M failed`; exit status 1 when something failed.
set -uo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
manifests=$(cd "$here/../../manifests" && pwd)
work=$(mktemp -d)
mkfifo "$work/never"
space='manifests-test'
elsewhere='manifests-test-elsewhere'
operator=system:serviceaccount:proget-operator:proget-operator
passed=0
failed=0
base_was_there=no

# shellcheck source=/dev/null
source "$here/manifests_policies.sh"

# ---- the frame -------------------------------------------------------------------------------------------------------

# check WHAT COMMAND...: one line of the result; what the command said is shown where it failed
check() {
    local what=$1
    shift
    if "$@" >"$work/said" 2>&1; then
        passed=$((passed + 1))
        printf 'ok %d - %s\n' "$((passed + failed))" "$what"
    else
        failed=$((failed + 1))
        printf 'not ok %d - %s\n' "$((passed + failed))" "$what"
        sed 's/^/#   /' "$work/said" | head -20
    fi
}

not() { ! "$@"; }

# eventually SECONDS COMMAND...: tries until it holds
eventually() {
    local deadline=$((SECONDS + $1))
    shift
    until "$@"; do
        if [ "$SECONDS" -ge "$deadline" ]; then
            return 1
        fi
        read -rt 0.1 _ <>"$work/never"
    done
}

# Leaves the server as it was, for whoever tests on it next.
clean_up() {
    kubectl delete clusterrolebinding manifests-test-boss --ignore-not-found
    kubectl delete priorityclass proget proget-mistakes-background --ignore-not-found
    if [ "$base_was_there" = no ]; then
        kubectl delete -k "$manifests/base" --ignore-not-found --wait=false
        kubectl wait --for=delete namespace/proget-operator crd/progetclusters.proget-operator.io --timeout=60s
    fi
    kubectl delete namespace "$space" "$space-restricted" "$elsewhere" proget proget-mistakes \
        --ignore-not-found --timeout=60s
    rm -rf "$work"
} >/dev/null 2>&1
trap clean_up EXIT

# call TOKEN HOW PATH [BODY]: one request; sets `code`, leaves the answer in $work/answer. HOW is a method, MERGE for a
# merge patch, APPLY for a server-side apply.
call() {
    local method=PATCH type=application/json
    case $2 in
    MERGE) type=application/merge-patch+json ;;
    APPLY) type=application/apply-patch+yaml ;;
    *) method=$2 ;;
    esac
    code=$(curl --silent --show-error --max-time 20 --cacert "$work/ca.crt" --header "@$work/header.$1" \
        --request "$method" --header "Content-Type: $type" ${4+--data-binary "$4"} \
        --output "$work/answer" --write-out '%{http_code}' "$server$3")
}
allowed() {
    call "$@"
    [[ $code == 2* ]] || { echo "HTTP $code: $(jq -r .message "$work/answer")"; return 1; }
}
# denied_by POLICY TOKEN HOW ...: refused, and by that policy
denied_by() {
    local policy=$1
    shift
    call "$@"
    if [ "$code" != 403 ] || ! grep -q "ValidatingAdmissionPolicy '$policy'" "$work/answer"; then
        echo "expected a denial by $policy, got HTTP $code: $(jq -r .message "$work/answer")"
        return 1
    fi
}
# denied_by_rbac TOKEN HOW ...
denied_by_rbac() {
    call "$@"
    if [ "$code" != 403 ] || ! grep -q ' cannot ' "$work/answer"; then
        echo "expected a denial by RBAC, got HTTP $code: $(jq -r .message "$work/answer")"
        return 1
    fi
}

# token NAME NAMESPACE SERVICEACCOUNT [POD]: keeps a token as NAME, bound to the pod where one is given
token() {
    local name=$1 namespace=$2 account=$3
    local -a bound=()
    if [ $# -gt 3 ]; then
        bound=(--bound-object-kind Pod --bound-object-name "$4")
    fi
    printf 'Authorization: Bearer %s\n' \
        "$(kubectl --namespace "$namespace" create token "$account" "${bound[@]}")" >"$work/header.$name"
}

applies() { kubectl apply -k "$1"; }
# A second apply finds nothing to change.
unchanged() { kubectl diff -k "$1"; }
relative() { realpath --relative-to="$1" "$2"; }

# ---- base ------------------------------------------------------------------------------------------------------------

test_base() {
    check "base: kubectl apply -k" applies "$manifests/base"
    check "base: applied again it changes nothing" eventually 10 unchanged "$manifests/base"
    check "the CRD is established" kubectl wait --for=condition=Established --timeout=30s \
        crd/progetclusters.proget-operator.io
    check "the CRD breaks no rule of structural schemas" not crd_has_condition NonStructuralSchema
    check "each field of the schema is described" each_field_is_described
    check "kubectl explain knows the spec" eventually 20 explains progetcluster.spec "vendor's advice"
    check "kubectl explain knows pgc.spec.heartbeat.staleAfterSeconds" \
        explains pgc.spec.heartbeat.staleAfterSeconds 'without a heartbeat'
    check "kubectl explain knows pgc.status.findings.related" explains pgc.status.findings.related 'have to do with it'
    check "the printer columns are those of the design" columns_are 'Product Servers Healthy Findings Version Age'
    check "the operator's pod is admitted where Pod Security is restricted" operator_pod_is_admitted
    check "the operator's Deployment is two replicas, one after the other" deployment_is_doubled
    check "the operator's priority is its own, and pushes nobody out" priority_is_modest
    check "the policies compile without a warning" eventually 30 policies_are_clean
}
crd() { kubectl get crd progetclusters.proget-operator.io -o json; }
crd_has_condition() {
    crd | jq -e --arg type "$1" '.status.conditions[] | select(.type == $type and .status == "True")'
}
each_field_is_described() {
    local bare
    bare=$(crd | jq -r '.spec.versions[0].schema.openAPIV3Schema.properties | del(.metadata) |
        [paths(type == "object" and has("type")) as $path | select($path[-2] == "properties" or ($path | length) == 1)
        | select(getpath($path).description // "" | length < 5) | $path | map(tostring) | join(".")] | .[]')
    [ -z "$bare" ] || { printf 'no description: %s\n' "$bare"; return 1; }
}
explains() { kubectl explain "$1" | tr -s '\n ' ' ' | grep -q "$2"; }
columns_are() { [ "$(crd | jq -r '[.spec.versions[0].additionalPrinterColumns[].name] | join(" ")')" = "$1" ]; }
operator_pod_is_admitted() {
    kubectl -n proget-operator get deployment proget-operator -o json |
        jq '{apiVersion: "v1", kind: "Pod", metadata: (.spec.template.metadata + {name: "admitted"}),
            spec: .spec.template.spec}' >"$work/pod.json"
    kubectl -n proget-operator create --dry-run=server -o json -f "$work/pod.json" 2>"$work/warned" >"$work/created" ||
        { cat "$work/warned"; return 1; }
    [ ! -s "$work/warned" ] || { cat "$work/warned"; return 1; }
    jq -e '.status.qosClass == "Guaranteed"' "$work/created"
}
deployment_is_doubled() {
    kubectl -n proget-operator get deployment proget-operator -o json |
        jq -e '.spec.replicas == 2 and .spec.strategy.type == "RollingUpdate"'
}
priority_is_modest() {
    kubectl get priorityclass proget-operator -o json |
        jq -e '.preemptionPolicy == "Never" and .value > 0 and .value < 1000000000 and (.globalDefault | not)'
}
policies_are_clean() {
    kubectl get -o json validatingadmissionpolicy \
        proget-operator-pods proget-operator-leases proget-sidecar-heartbeats |
        jq -e '[.items[].status | .typeChecking != null and (.typeChecking.expressionWarnings // []) == []] | all'
}

# ---- the resource ----------------------------------------------------------------------------------------------------

# cluster SPEC: what the API server makes of a ProGetCluster of that spec
cluster() {
    printf '{"apiVersion": "proget-operator.io/v1alpha1", "kind": "ProGetCluster", "metadata": {"name": "tried"},
        "spec": %s}' "$1" | kubectl create --namespace "$space" --dry-run=server -o json -f -
}
# refused SPEC WORD: refused, for the reason that has that word
refused() {
    local said
    said=$(cluster "$1" 2>&1) && { echo "accepted: $1"; return 1; }
    grep -q -- "$2" <<<"$said" || { echo "refused for another reason: $said"; return 1; }
}
defaults_are() { cluster "$1" | jq -e --argjson expected "$2" '.spec == $expected'; }
some='"selector": {"matchLabels": {"app": "proget"}}'

test_resource() {
    check "an empty spec with a selector gets every default" defaults_are "{$some}" "{\"product\": \"ProGet\", $some,
        \"heartbeat\": {\"intervalSeconds\": 30, \"staleAfterSeconds\": 300, \"webStaleAfterHours\": 24},
        \"activation\": {\"internetAccess\": \"Auto\", \"host\": \"my.inedo.com\"}, \"licence\": {\"maxServers\": 5},
        \"placement\": {\"topologyKey\": \"kubernetes.io/hostname\"}, \"messenger\": {\"port\": 33237}}"
    check "every field of the design is accepted" cluster "{$some, \"product\": \"Otter\", \"servers\": 3,
        \"container\": \"proget\", \"heartbeat\": {\"intervalSeconds\": 1, \"staleAfterSeconds\": 2},
        \"activation\": {\"internetAccess\": \"Blocked\", \"host\": \"activation.example.com:8443\"},
        \"ignore\": [{\"code\": \"SpreadNotEnforced\", \"reason\": \"single rack\"}],
        \"severity\": [{\"code\": \"ImageTagMutable\", \"severity\": \"info\"}],
        \"maintenance\": {\"until\": \"2026-12-01T20:00:00Z\", \"reason\": \"storage move\"}}"
    check "a selector by expression is accepted" \
        cluster '{"selector": {"matchExpressions": [{"key": "app", "operator": "In", "values": ["a", "b"]}]}}'
    check "refused: no spec" refused null 'spec'
    check "refused: no selector" refused '{}' 'spec.selector'
    check "refused: an empty selector" refused '{"selector": {}}' 'empty selector'
    check "refused: a selector of empty parts" refused '{"selector": {"matchLabels": {}, "matchExpressions": []}}' \
        'empty selector'
    check "refused: In without values" refused '{"selector": {"matchExpressions": [{"key": "a", "operator": "In"}]}}' \
        'In and NotIn'
    check "refused: Exists with values" \
        refused '{"selector": {"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]}}' \
        'In and NotIn'
    check "refused: an unknown operator" \
        refused '{"selector": {"matchExpressions": [{"key": "a", "operator": "Like"}]}}' 'Unsupported value'
    check "refused: an unknown product" refused "{$some, \"product\": \"Nexus\"}" 'Unsupported value'
    check "refused: no servers" refused "{$some, \"servers\": 0}" 'greater than or equal to 1'
    check "refused: interval 0" refused "{$some, \"heartbeat\": {\"intervalSeconds\": 0}}" 'greater than or equal to 1'
    check "refused: stale after the interval itself" \
        refused "{$some, \"heartbeat\": {\"intervalSeconds\": 60, \"staleAfterSeconds\": 60}}" 'greater than interval'
    check "refused: an interval over the default of staleAfterSeconds" \
        refused "{$some, \"heartbeat\": {\"intervalSeconds\": 300}}" 'greater than interval'
    check "refused: an unknown internetAccess" refused "{$some, \"activation\": {\"internetAccess\": \"No\"}}" \
        'Unsupported value'
    check "refused: an activation host with a path" refused "{$some, \"activation\": {\"host\": \"my.inedo.com/x\"}}" \
        'should match'
    check "refused: port 70000" refused "{$some, \"messenger\": {\"port\": 70000}}" 'less than or equal to 65535'
    check "refused: an unknown severity" refused "{$some, \"severity\": [{\"code\": \"A\", \"severity\": \"fatal\"}]}" \
        'Unsupported value'
    check "refused: a code that is none" refused "{$some, \"ignore\": [{\"code\": \"no such\", \"reason\": \"x\"}]}" \
        'should match'
    check "refused: a code given twice" refused \
        "{$some, \"ignore\": [{\"code\": \"A\", \"reason\": \"x\"}, {\"code\": \"A\", \"reason\": \"y\"}]}" \
        'Duplicate value'
    check "refused: a maintenance that ends at no time" \
        refused "{$some, \"maintenance\": {\"until\": \"tomorrow\"}}" 'date-time'
    check "refused: a field that does not exist" refused "{$some, \"replicas\": 3}" 'unknown field'
    check "samples/minimal: kubectl apply -k" kubectl apply --namespace "$space" -k "$manifests/samples/minimal"
    check "samples/minimal: applied again it changes nothing" \
        kubectl diff --namespace "$space" -k "$manifests/samples/minimal"
    check "it is found as pgc and in the category proget" found_by_its_names
    check "a whole status is accepted, by server-side apply" status_is_kept
    check "refused: a status with an unknown cause" not allowed operator APPLY "$status_path" \
        "$(status_of '{"evictions": [{"time": "2026-11-22T07:00:00Z", "pod": "a", "cause": "Bad luck"}]}')"
}
found_by_its_names() {
    kubectl --namespace "$space" get pgc -o name | grep -qx 'progetcluster.proget-operator.io/proget' &&
        kubectl --namespace "$space" get proget -o name | grep -qx 'progetcluster.proget-operator.io/proget'
}
status_path="/apis/proget-operator.io/v1alpha1/namespaces/$space/progetclusters/proget/status"
status_path+='?fieldManager=proget-operator&force=true&fieldValidation=Strict'
status_of() {
    jq -nc --argjson status "$1" '{apiVersion: "proget-operator.io/v1alpha1", kind: "ProGetCluster",
        metadata: {name: "proget"}, status: $status}'
}
status_is_kept() {
    local status
    status=$(jq -nc '"2026-11-22T07:00:00Z" as $at |
        {apiVersion: "v1", kind: "Pod", namespace: "proget", name: "proget-0", uid: "1"} as $pod | {
        observedGeneration: 1, observedVersions: {pods: "123", leases: "124"}, servers: 3, healthyServers: 2, summary: "1 error", version: "mixed",
        conditions: [{type: "Ready", status: "False", observedGeneration: 1, lastTransitionTime: $at,
            reason: "CoScheduled", message: ""}],
        members: [{name: "proget-0", uid: "1", os: "Debian", ip: "10.1.0.7", node: "a", version: "2025.13",
            versionInSync: true, keyInSync: false, machine: "sha256:1",
            components: {web: {status: "OK", lastHeartbeat: $at}, service: {status: "Error", detail: "stopped"}},
            heartbeat: "Fresh", lastHeartbeat: $at, keyFingerprint: "9f2c01ab", activation: "Active",
            gone: {since: $at, why: "eviction"}}],
        findings: [{id: "1", code: "CoScheduled", severity: "error", object: $pod, related: [$pod], cause: "x", message: "a",
            action: "b", since: $at, occurrence: "1", announced: true, cleared: $at}],
        suppressed: [{code: "ImageTagMutable", object: $pod, reason: "single rack"}],
        evictions: [{time: $at, pod: "proget-0", uid: "1", node: "a", cause: "NodePressure", message: "low"}],
        activations: [{machine: "sha256:1", majorVersion: "2025"}], nodes: [{node: "a", machine: "sha256:1"}],
        sizeChanges: [{time: $at, from: 2, to: 3}],
        unconfirmedEnds: [{pod: "proget-1", uid: "2", node: "b", nodeUid: "3", since: $at}],
        configuration: {servers: 3, replicas: 3, loadBalanced: true, failover: false,
            heartbeat: {intervalSeconds: 30, staleAfterSeconds: 300, webStaleAfterHours: 24}}}')
    allowed operator APPLY "$status_path" "$(status_of "$status")" || return 1
    # The answer shows what was stored; a moment later the operator, which runs, puts it right.
    jq -e --argjson status "$status" '.status == $status' "$work/answer"
}

# ---- RBAC ------------------------------------------------------------------------------------------------------------

# may yes|no USER VERB RESOURCE[.GROUP][/NAME] [--subresource=SUBRESOURCE] [--namespace=NAMESPACE]: what the authorizer
# says, in all namespaces where none is given. Not by `kubectl auth can-i`: that one drops the group of what the server
# does not have, such as keda.sh.
may() {
    local expected=$1 user=$2 verb=$3 resource=${4%%/*} name='' subresource='' namespace='' group='' option answer
    [[ $4 == */* ]] && name=${4#*/}
    [[ $resource == *.* ]] && group=${resource#*.}
    for option in "${@:5}"; do
        case $option in
        --subresource=*) subresource=${option#*=} ;;
        --namespace=*) namespace=${option#*=} ;;
        esac
    done
    answer=$(jq -nc --arg user "$user" --arg verb "$verb" --arg group "$group" --arg resource "${resource%%.*}" \
        --arg name "$name" --arg subresource "$subresource" --arg namespace "$namespace" '
        {apiVersion: "authorization.k8s.io/v1", kind: "SubjectAccessReview", spec: {user: $user, groups:
            (["system:authenticated"] + if $user | startswith("system:serviceaccount:") then ["system:serviceaccounts",
            "system:serviceaccounts:" + ($user | split(":")[2])] else [] end), resourceAttributes: {verb: $verb,
            group: $group, resource: $resource, name: $name, subresource: $subresource, namespace: $namespace}}}' |
        kubectl create --raw /apis/authorization.k8s.io/v1/subjectaccessreviews -f - |
        jq -r 'if .status.allowed == true then "yes" elif .status.allowed == false then "no" else "unknown" end')
    [ "$answer" = "$expected" ] || { echo "may $user $verb ${*:4}: $answer"; return 1; }
}
# may_all yes|no "VERB VERB" "RESOURCE RESOURCE" [OPTION...]: each of the operator's; no answer differs
may_all() {
    local verb resource
    for resource in $3; do
        for verb in $2; do
            may "$1" "$operator" "$verb" "$resource" "${@:4}" || return 1
        done
    done
}

test_operator_permissions() {
    local read='get list watch' kind
    for kind in pods nodes namespaces events events.events.k8s.io leases.coordination.k8s.io \
        priorityclasses.scheduling.k8s.io poddisruptionbudgets.policy horizontalpodautoscalers.autoscaling \
        persistentvolumeclaims statefulsets.apps deployments.apps replicasets.apps daemonsets.apps services \
        progetclusters.proget-operator.io verticalpodautoscalers.autoscaling.k8s.io scaledobjects.keda.sh; do
        check "the operator may get, list and watch $kind" may_all yes "$read" "$kind"
        check "the operator may not update or delete $kind" may_all no 'update delete deletecollection' "$kind"
    done
    check "the operator may get and list nodes.metrics.k8s.io" may_all yes 'get list' nodes.metrics.k8s.io
    check "the operator may patch pods/status" may_all yes patch pods --subresource=status
    check "the operator may patch leases" may_all yes patch leases.coordination.k8s.io
    check "the operator may create and patch events.events.k8s.io" may_all yes 'create patch' events.events.k8s.io
    check "the operator may create progetclusters" may_all yes create progetclusters.proget-operator.io
    check "the operator may patch progetclusters/status" \
        may_all yes patch progetclusters.proget-operator.io --subresource=status
    check "the operator may get its own policies" may_all yes get \
        'validatingadmissionpolicies.admissionregistration.k8s.io/proget-operator-pods
        validatingadmissionpolicybindings.admissionregistration.k8s.io/proget-sidecar-heartbeats'
    check "the operator may hold its election Lease" may_all yes 'get update patch' \
        leases.coordination.k8s.io/proget-operator --namespace=proget-operator
    check "the operator may create its election Lease" may_all yes create leases.coordination.k8s.io \
        --namespace=proget-operator

    check "not: Secrets and ConfigMaps" may_all no "$read create update patch delete" 'secrets configmaps'
    check "not: patch of pods, nodes, workloads or their scale" may_all no patch \
        'pods nodes namespaces services persistentvolumeclaims statefulsets.apps deployments.apps replicasets.apps
        daemonsets.apps poddisruptionbudgets.policy horizontalpodautoscalers.autoscaling
        priorityclasses.scheduling.k8s.io'
    check "not: scaling" may_all no 'get patch update' 'statefulsets.apps deployments.apps' --subresource=scale
    check "not: eviction" may_all no create pods --subresource=eviction
    check "not: exec" may_all no 'create get' pods --subresource=exec
    check "not: attach" may_all no 'create get' pods --subresource=attach
    check "not: binding" may_all no create pods --subresource=binding
    check "not: ephemeral containers" may_all no 'patch update' pods --subresource=ephemeralcontainers
    check "not: resize" may_all no 'patch update' pods --subresource=resize
    check "not: logs" may_all no get pods --subresource=log
    check "not: update of pods/status" may_all no update pods --subresource=status
    check "not: create pods or workloads" may_all no create \
        'pods statefulsets.apps deployments.apps replicasets.apps daemonsets.apps jobs.batch'
    check "not: change of a ProGetCluster's spec" may_all no 'update patch delete' progetclusters.proget-operator.io
    check "not: core Events" may_all no 'create patch' events
    check "not: watch nodes.metrics.k8s.io" may_all no watch nodes.metrics.k8s.io
    check "not: create Leases elsewhere" may_all no create leases.coordination.k8s.io --namespace=kube-system
    check "not: update of another Lease of its namespace" \
        may_all no update leases.coordination.k8s.io/other --namespace=proget-operator
    check "not: other policies, nor changing its own" not_other_policies
    check "not: impersonation, roles, tokens" not_escalation
    check "the ClusterRole has no verb and no wildcard beyond these" cluster_role_is_narrow
}
not_other_policies() {
    may_all no 'list watch create' 'validatingadmissionpolicies.admissionregistration.k8s.io' &&
        may_all no get 'validatingadmissionpolicies.admissionregistration.k8s.io/other' &&
        may_all no 'update patch delete' 'validatingadmissionpolicies.admissionregistration.k8s.io/proget-operator-pods
        validatingadmissionpolicybindings.admissionregistration.k8s.io/proget-operator-pods'
}
not_escalation() {
    may_all no 'impersonate' 'users groups serviceaccounts' &&
        may_all no 'create update patch bind escalate' 'roles.rbac.authorization.k8s.io
        clusterroles.rbac.authorization.k8s.io rolebindings.rbac.authorization.k8s.io' &&
        may_all no create serviceaccounts --subresource=token
}
cluster_role_is_narrow() {
    kubectl get clusterrole proget-operator -o json | jq -e '
        ([.rules[].verbs[]] | unique) == ["create", "get", "list", "patch", "watch"] and
        ([.rules[] | (.apiGroups[], .resources[]) | select(contains("*"))] == []) and
        ([.rules[] | select(any(.verbs[]; . == "create" or . == "patch")) | .apiGroups[0] as $group
            | .resources[] as $kind | .verbs[] | "\(.) \($group)/\($kind)"] | sort) == ["create events.k8s.io/events",
            "create proget-operator.io/observations", "create proget-operator.io/progetclusters", "patch /pods/status",
            "patch coordination.k8s.io/leases", "patch events.k8s.io/events",
            "patch proget-operator.io/progetclusters/status"]'
}

# Who views, edits or administers the namespace.
test_user_permissions() {
    local role
    for role in view edit admin; do
        kubectl --namespace "$space" create rolebinding "$role" --clusterrole="$role" --user="$role-user" >/dev/null
    done
    local in=--namespace="$space" kind=progetclusters.proget-operator.io
    check "view: reads ProGetClusters" eventually 20 may yes view-user list $kind "$in"
    check "view: changes none" may no view-user patch $kind "$in"
    check "edit: creates, changes and deletes them" eventually 20 may yes edit-user deletecollection $kind "$in"
    check "edit: writes no status" may no edit-user patch $kind --subresource=status "$in"
    check "admin: the same" eventually 20 may yes admin-user create $kind "$in"
    check "admin: may grant the sidecar's Role" eventually 20 \
        kubectl --as=admin-user "$in" apply --dry-run=server -f "$work/grant.yaml"
    check "edit: may not" not kubectl --as=edit-user "$in" apply --dry-run=server -f "$work/grant.yaml"
}

# ---- the component ---------------------------------------------------------------------------------------------------

workload() {
    cat <<EOF
apiVersion: apps/v1
kind: $1
metadata: {name: $2, labels: $3}
spec:
  replicas: 0
  selector: {matchLabels: {app: $2}}
  template:
    metadata: {labels: {app: $2}}
    spec:
      initContainers: [{name: earlier, image: example.invalid/tool:1.0.0}]
      containers: [{name: proget, image: example.invalid/proget:25.0.13}]
      volumes: [{name: own, emptyDir: {}}]
EOF
}
make_overlay() {
    local overlay=$work/overlay
    mkdir -p "$overlay"
    workload Deployment any-name '{proget-operator.io/sidecar: enabled}' >"$overlay/deployment.yaml"
    workload StatefulSet other-name '{proget-operator.io/sidecar: enabled}' >"$overlay/statefulset.yaml"
    workload Deployment untouched '{app: other}' >"$overlay/untouched.yaml"
    cat >"$overlay/kustomization.yaml" <<EOF
namespace: $space
resources: [deployment.yaml, statefulset.yaml, untouched.yaml]
components: [$(relative "$overlay" "$manifests/components/sidecar")]
EOF
    mkdir -p "$work/renamed"
    cat >"$work/renamed/kustomization.yaml" <<EOF
namespace: $space
resources: [../overlay]
patches:
  - target: {kind: Deployment|StatefulSet, labelSelector: proget-operator.io/sidecar=enabled}
    patch: |-
      apiVersion: apps/v1
      kind: StatefulSet
      metadata: {name: any}
      spec:
        template:
          spec:
            initContainers:
              - name: proget-sidecar
                env:
                  - {name: PROGET_ENCRYPTION_KEY, \$patch: delete}
                  - name: OTTER_ENCRYPTION_KEY
                    valueFrom: {secretKeyRef: {name: my-secret, key: my-key, optional: true}}
                  - {name: PROGET_SIDECAR_PRODUCT, value: Otter}
            volumes:
              - name: proget-sidecar-key
                secret: {secretName: my-secret, items: [{key: my-key, path: key}]}
  - target: {kind: RoleBinding, name: proget-sidecar}
    patch: |-
      - {op: replace, path: /subjects/0/name, value: my-account}
      - {op: add, path: /subjects/0/namespace, value: $space}
EOF
}
live() { kubectl --namespace "$space" get "$1" -o json; }
has_sidecar() {
    live "$1" | jq -e '.spec.template.spec as $spec
        | [$spec.initContainers[] | select(.name == "proget-sidecar")] as $found
        | ($found | length) == 1
        and ($found[0] | .restartPolicy == "Always" and .resources.requests == .resources.limits and
            (.resources.limits | has("cpu") and has("memory")) and any(.args[]; startswith("--key-file=")))
        and ([$found[0].env[].name] | contains(["POD_NAME", "POD_NAMESPACE", "POD_UID", "POD_IP", "NODE_NAME",
            "PROGET_ENCRYPTION_KEY"]))
        and ([$spec.initContainers[].name] | contains(["earlier"])) and ([$spec.volumes[].name] | contains(["own"]))
        and ([($spec.containers[], ($spec.initContainers[] | select(.name != "proget-sidecar"))) | .volumeMounts // []
            | .[].name | select(startswith("proget-sidecar"))] == [])'
}
test_component() {
    make_overlay
    check "component: kubectl apply -k" applies "$work/overlay"
    check "component: applied again it changes nothing" unchanged "$work/overlay"
    check "a labelled Deployment of any name has the sidecar" has_sidecar deployment/any-name
    check "a labelled StatefulSet of any name has the sidecar" has_sidecar statefulset/other-name
    check "a workload without the label has not" not has_sidecar deployment/untouched
    check "the Role goes to the ServiceAccount default of that namespace" subject_is "$work/overlay" default
    check "another ServiceAccount can be named" subject_is "$work/renamed" my-account
    check "another Secret and product can be named" renamed_everywhere
    check "the sidecar is admitted where Pod Security is restricted" sidecar_is_restricted
    check "a pod of it has the token in the sidecar alone, and is Guaranteed" token_is_in_the_sidecar_alone
}
subject_is() {
    kubectl kustomize "$1" -o "$work/built.yaml" && kubectl create --dry-run=client -o json -f "$work/built.yaml" |
        jq -es --arg name "$2" --arg space "$space" '
            [.[] | (.items // [.])[] | select(.kind == "RoleBinding").subjects[]] ==
                [{kind: "ServiceAccount", name: $name, namespace: $space}]'
}
renamed_everywhere() {
    kubectl kustomize "$work/renamed" -o "$work/built.yaml" && not grep -q proget-encryption-key "$work/built.yaml" &&
        not grep -q PROGET_ENCRYPTION_KEY "$work/built.yaml" &&
        [ "$(grep -c 'my-secret' "$work/built.yaml")" = 4 ] && [ "$(grep -c 'key: my-key' "$work/built.yaml")" = 4 ]
}
sidecar_pod() {
    live deployment/any-name | jq --arg automount "$1" '.spec.template.spec | {apiVersion: "v1", kind: "Pod",
        metadata: {name: "tried"}, spec: {volumes, automountServiceAccountToken: ($automount == "yes"),
            initContainers: [.initContainers[] | select(.name == "proget-sidecar")],
            containers: [{name: "proget", image: "example.invalid/p:1.0.0",
                resources: {limits: {cpu: 1, memory: "1Gi"}},
                securityContext: {runAsNonRoot: true, runAsUser: 1000, allowPrivilegeEscalation: false,
                    capabilities: {drop: ["ALL"]}, seccompProfile: {type: "RuntimeDefault"}}}]}}'
}
sidecar_is_restricted() { sidecar_pod no | kubectl --namespace "$space-restricted" create --dry-run=server -f -; }
token_is_in_the_sidecar_alone() {
    sidecar_pod no | kubectl --namespace "$space" create --dry-run=server -o json -f - | jq -e '
        .status.qosClass == "Guaranteed" and ([.spec.containers[].volumeMounts // [] | .[]] == []) and
        ([.spec.initContainers[0].volumeMounts[].mountPath] | sort) ==
            ["/var/run/secrets/kubernetes.io/serviceaccount", "/var/run/secrets/proget-sidecar"]' || return 1
    sidecar_pod yes | kubectl --namespace "$space" create --dry-run=server -o json -f - | jq -e '
        ([.spec.containers[0].volumeMounts[].name] | all(startswith("kube-api-access"))) and
        ([.spec.initContainers[0].volumeMounts[].name] | sort) == ["proget-sidecar-key", "proget-sidecar-token"]'
}

# ---- the samples -----------------------------------------------------------------------------------------------------

test_samples() {
    check "samples/proget: kubectl apply -k" eventually 60 applies "$manifests/samples/proget"
    check "samples/proget: applied again it changes nothing" eventually 10 unchanged "$manifests/samples/proget"
    check "its first server is Guaranteed, has the class proget and the sidecar" eventually 30 first_server_is_right
    check "no sample carries a Secret" no_secret_in_sample
    check "create-secrets.sh makes both Secrets" secrets_are_made
    check "create-secrets.sh leaves what is there as it is" secrets_are_kept
    check "samples/mistakes: the API server takes them all" eventually 60 kubectl apply -f "$manifests/samples/mistakes"
}
first_server_is_right() {
    kubectl --namespace proget get pod proget-0 -o json | jq -e '.status.qosClass == "Guaranteed" and
        .spec.priorityClassName == "proget" and .spec.initContainers[0].name == "proget-sidecar" and
        .spec.serviceAccountName == "proget" and (.spec.containers[0] | has("livenessProbe") | not) and
        .spec.containers[0].readinessProbe.httpGet.path == "/health"'
}
no_secret_in_sample() {
    kubectl kustomize "$manifests/samples/proget" >"$work/built.yaml" && not grep -qx 'kind: Secret' "$work/built.yaml"
}
secrets_are_made() {
    kubectl --namespace "$space" delete secret proget-encryption-key proget-database --ignore-not-found
    echo 'Host=db; Password=p' | "$manifests/samples/proget/create-secrets.sh" "$space" || return 1
    kubectl --namespace "$space" get secret proget-encryption-key -o json >"$work/key.json"
    jq -e '.data.key | @base64d | test("^[0-9a-f]{32}$")' "$work/key.json" >/dev/null &&
        kubectl --namespace "$space" get secret proget-database -o json |
        jq -e '.data["connection-string"] | @base64d == "Host=db; Password=p"'
}
secrets_are_kept() {
    echo 'other' | "$manifests/samples/proget/create-secrets.sh" "$space" || return 1
    kubectl --namespace "$space" get secret proget-encryption-key -o json |
        jq -e --slurpfile before "$work/key.json" '.data == $before[0].data' >/dev/null
}

# ---- all of it -------------------------------------------------------------------------------------------------------

prepare() {
    kubectl config view --raw --flatten --minify -o json >"$work/config.json"
    server=$(jq -r '.clusters[0].cluster.server' "$work/config.json")
    jq -r '.clusters[0].cluster["certificate-authority-data"] | @base64d' "$work/config.json" >"$work/ca.crt"
    if [ -n "$(kubectl get crd progetclusters.proget-operator.io --ignore-not-found -o name)" ]; then
        base_was_there=yes
    fi
    kubectl delete namespace "$space" "$space-restricted" "$elsewhere" --ignore-not-found --timeout=120s >/dev/null ||
        return 1
    kubectl create namespace "$space" >/dev/null
    kubectl create namespace "$space-restricted" >/dev/null
    kubectl label namespace "$space-restricted" pod-security.kubernetes.io/enforce=restricted >/dev/null
    eventually 60 kubectl --namespace "$space" get serviceaccount default >/dev/null 2>&1
    eventually 60 kubectl --namespace "$space-restricted" get serviceaccount default >/dev/null 2>&1
    cp "$manifests/components/sidecar/role.yaml" "$work/grant.yaml"
    sed -i "s/^    name: default$/    name: default\n    namespace: $space/" "$work/grant.yaml"
}

prepare_actors() {
    local name
    kubectl --namespace "$space" apply -f "$work/grant.yaml" >/dev/null
    for name in boss controller both; do
        kubectl --namespace "$space" create serviceaccount "$name" >/dev/null
    done
    kubectl create clusterrolebinding manifests-test-boss --clusterrole=cluster-admin \
        --serviceaccount="$space:boss" >/dev/null
    kubectl --namespace "$space" create role controller --verb=get,list,watch,create,update,patch \
        --resource=leases.coordination.k8s.io >/dev/null
    kubectl --namespace "$space" create rolebinding controller --role=controller --serviceaccount="$space:controller" \
        --serviceaccount="$space:both" >/dev/null
    kubectl --namespace "$space" create rolebinding both --role=proget-sidecar --serviceaccount="$space:both" >/dev/null
    for name in a b c d; do
        gated_pod "server-$name"
        token "$name" "$space" default "server-$name"
        keep_uid "$name" "server-$name"
    done
    for name in boss controller both; do
        gated_pod "$name" "$name"
        token "$name" "$space" "$name" "$name"
    done
    printf -v long_name 'p%.0s' {1..245}
    gated_pod "$long_name" 2>/dev/null # it warns of the length, which is what is tried
    token long "$space" default "$long_name"
    keep_uid long "$long_name"
    token loose "$space" default
    token operator proget-operator proget-operator
    kubectl create -f - >/dev/null <<EOF
apiVersion: v1
kind: List
items:
  - {apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: unlabelled, namespace: $space}}
  - {apiVersion: coordination.k8s.io/v1, kind: Lease, metadata: {name: proget-server-d, namespace: $space}}
EOF
    if [ -z "$(kubectl --namespace kube-system get lease kube-scheduler --ignore-not-found -o name)" ]; then
        kubectl create -f - >/dev/null <<<'{"apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"name": "kube-scheduler", "namespace": "kube-system"}}'
    fi
}

main() {
    prepare || { echo "manifests_test: no API server to try the manifests on" >&2; exit 1; }
    test_base
    prepare_actors
    test_resource
    test_operator_permissions
    test_user_permissions
    test_component
    test_samples
    # The heartbeat of server-a is made by its own sidecar first; the operator's part is tried on it.
    test_sidecar_policy
    pod_policy operator "the operator"
    test_widened_operator
    lease_policy operator "the operator" proget-operator
    test_others
    test_other_namespace
    printf '%d passed, %d failed\n' "$passed" "$failed"
    [ "$failed" -eq 0 ]
}
main
