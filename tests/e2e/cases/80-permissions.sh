# What the operator and a sidecar may not do, tried with their own tokens; and that nobody else is hindered.
# shellcheck shell=bash

# --- the manifests, one by one: each of their lines is an assertion ---
permissions_output=$WORLD/logs/manifests-test
# shellcheck disable=SC2154 # set by world.sh
bash "$root/tests/e2e/manifests_test.sh" >"$permissions_output" 2>&1
permissions_failed_lines=$(grep -cE '^not ok [0-9]+ - ' "$permissions_output")
while IFS= read -r line; do
    holds "manifests: ${line#ok * - }" true
done < <(grep -E '^ok [0-9]+ - ' "$permissions_output")
while IFS= read -r line; do
    printf 'FAIL  %s: manifests: %s\n' "$CASE" "${line#not ok * - }"
    e2e_failed=$((e2e_failed + 1))
done < <(grep -E '^not ok [0-9]+ - ' "$permissions_output")
[ "$permissions_failed_lines" = 0 ] || grep -A 20 -E '^not ok ' "$permissions_output" | grep -E '^(not ok|#)' | sed 's/^/  /'
holds "manifests: they came to their end" grep -qE '^[0-9]+ passed, [0-9]+ failed$' "$permissions_output"

# --- with real tokens, on live objects ---
BUDGET=no servers_apply # what an administrator may is asked before they are ready
for pod in proget-0 proget-1 proget-2; do wait_for 60 running "$pod"; done
WITHIN=60 ok "the servers have heartbeats" "cluster_json | jq -e '[.status.members[]? | select(.heartbeat == \"Fresh\")] | length == 3'"
wait_for 30 kubectl -n kube-system get lease kube-scheduler

kubectl config view --raw --flatten --minify -o json | jq -r '.clusters[0].cluster["certificate-authority-data"]' | base64 -d >"$WORLD/permissions-ca.crt"
permissions_server=$(kubectl config view --minify -o jsonpath='{.clusters[0].cluster.server}')
permissions_token() { # WHO NAMESPACE SERVICEACCOUNT [POD]
    local -a bound=()
    [ $# -lt 4 ] || bound=(--bound-object-kind=Pod --bound-object-name="$4" --bound-object-uid="$(kubectl -n "$2" get pod "$4" -o jsonpath='{.metadata.uid}')")
    printf 'Authorization: Bearer %s\n' "$(kubectl -n "$2" create token "$3" "${bound[@]}")" >"$WORLD/permissions-$1"
}
# permissions_call WHO METHOD PATH [BODY]: prints the HTTP status; PATCH is a merge patch.
permissions_call() {
    local type=application/json
    [ "$2" != PATCH ] || type=application/merge-patch+json
    curl -sS --max-time 30 --cacert "$WORLD/permissions-ca.crt" -H "@$WORLD/permissions-$1" -X "$2" -H "Content-Type: $type" \
        ${4+--data-binary "$4"} -o "$WORLD/permissions-answer" -w '%{http_code}' "$permissions_server$3"
}
# permissions_refused WHO METHOD PATH [BODY]: by the server, as forbidden or as invalid.
permissions_refused() {
    local code
    code=$(permissions_call "$@")
    if [ "$code" != 403 ] && [ "$code" != 422 ]; then
        printf '  %s %s %s: HTTP %s, %s\n' "$1" "$2" "$3" "$code" "$(jq -r '.message // .kind' "$WORLD/permissions-answer" 2>/dev/null)" >&2
        return 1
    fi
}
# permissions_objects: what none of the calls may change.
permissions_objects() {
    kubectl -n "$NS" get pods,statefulsets,secrets -o json | jq -cS '[.items[] | [.kind, .metadata.name, .metadata.uid, .metadata.generation,
        .metadata.labels, .metadata.finalizers, .metadata.deletionTimestamp, .spec]]'
}
permissions_unchanged() { [ -n "$1" ] && [ "$(permissions_objects)" = "$1" ]; }
permissions_allowed() { [[ $(permissions_call "$@") == 2* ]]; }
permissions_token operator proget-operator proget-operator "$(operator_pod)"
permissions_token sidecar "$NS" default proget-0
kubectl -n "$NS" create serviceaccount boss >/dev/null
kubectl create clusterrolebinding e2e-boss --clusterrole=cluster-admin --serviceaccount="$NS:boss" >/dev/null
permissions_token boss "$NS" boss

in="/api/v1/namespaces/$NS" apps="/apis/apps/v1/namespaces/$NS" leases="/apis/coordination.k8s.io/v1/namespaces"
before=$(permissions_objects)
eviction="{\"apiVersion\": \"policy/v1\", \"kind\": \"Eviction\", \"metadata\": {\"name\": \"proget-1\", \"namespace\": \"$NS\"}}"
for who in operator sidecar; do
    holds "the $who: delete a pod" permissions_refused $who DELETE "$in/pods/proget-1"
    holds "the $who: delete all pods" permissions_refused $who DELETE "$in/pods"
    holds "the $who: evict" permissions_refused $who POST "$in/pods/proget-1/eviction" "$eviction"
    holds "the $who: exec" permissions_refused $who POST "$in/pods/proget-1/exec?command=sh&container=proget&stdout=true"
    holds "the $who: exec by GET" permissions_refused $who GET "$in/pods/proget-1/exec?command=sh&container=proget&stdout=true"
    holds "the $who: the spec of a pod" permissions_refused $who PATCH "$in/pods/proget-1" '{"spec": {"activeDeadlineSeconds": 1}}'
    holds "the $who: an image in a pod" permissions_refused $who PATCH "$in/pods/proget-1" '{"spec": {"containers": [{"name": "proget", "image": "other:1.0.0"}]}}'
    holds "the $who: labels of a pod" permissions_refused $who PATCH "$in/pods/proget-1/status" '{"metadata": {"labels": {"app": "other"}}}'
    holds "the $who: finalizers of a pod" permissions_refused $who PATCH "$in/pods/proget-1/status" '{"metadata": {"finalizers": ["example.com/stay"]}}'
    holds "the $who: the phase of a pod" permissions_refused $who PATCH "$in/pods/proget-1/status" '{"status": {"phase": "Failed"}}'
    holds "the $who: an ephemeral container" permissions_refused $who PATCH "$in/pods/proget-1/ephemeralcontainers" \
        '{"spec": {"ephemeralContainers": [{"name": "debug", "image": "other:1.0.0"}]}}'
    holds "the $who: get the key's Secret" permissions_refused $who GET "$in/secrets/key"
    holds "the $who: list Secrets" permissions_refused $who GET "$in/secrets"
    holds "the $who: list all Secrets" permissions_refused $who GET /api/v1/secrets
    holds "the $who: scale the workload" permissions_refused $who PATCH "$apps/statefulsets/proget/scale" '{"spec": {"replicas": 0}}'
    holds "the $who: restart the workload" permissions_refused $who PATCH "$apps/statefulsets/proget" \
        '{"spec": {"template": {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "2026-11-22T07:00:00Z"}}}}}'
    holds "the $who: delete the workload" permissions_refused $who DELETE "$apps/statefulsets/proget"
    holds "the $who: the operator's own Deployment" permissions_refused $who PATCH /apis/apps/v1/namespaces/proget-operator/deployments/proget-operator \
        '{"spec": {"replicas": 0}}'
    holds "the $who: another pod's heartbeat" permissions_refused $who PATCH "$leases/$NS/leases/proget-proget-1" \
        '{"spec": {"renewTime": "2026-11-22T07:00:00.000000Z"}}'
    holds "the $who: another pod's report" permissions_refused $who PATCH "$leases/$NS/leases/proget-proget-1" \
        '{"metadata": {"annotations": {"proget-operator.io/report": "{\"v\":1}"}}}'
    holds "the $who: delete a heartbeat" permissions_refused $who DELETE "$leases/$NS/leases/proget-proget-1"
    holds "the $who: the scheduler's election" permissions_refused $who PATCH "$leases/kube-system/leases/kube-scheduler" '{"spec": {"holderIdentity": "thief"}}'
    holds "the $who: the settings of a cluster" permissions_refused $who PATCH "/apis/proget-operator.io/v1alpha1/namespaces/$NS/progetclusters/main" \
        '{"spec": {"servers": 9}}'
    holds "the $who: cordon a node" permissions_refused $who PATCH /api/v1/nodes/node-a '{"spec": {"unschedulable": true}}'
    holds "the $who: its own policies" permissions_refused $who DELETE \
        /apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings/proget-operator-pods
done
holds "a sidecar: list pods" permissions_refused sidecar GET "$in/pods"
holds "a sidecar: the election Lease of the operator" permissions_refused sidecar PATCH "$leases/proget-operator/leases/proget-operator" \
    '{"spec": {"holderIdentity": "thief"}}'
holds "a sidecar: the status of the cluster" permissions_refused sidecar PATCH "/apis/proget-operator.io/v1alpha1/namespaces/$NS/progetclusters/main/status" \
    '{"status": {"summary": "none"}}'
holds "a sidecar: its own pod's status" permissions_refused sidecar PATCH "$in/pods/proget-0/status" '{"metadata": {"annotations": {"proget-operator.io/status": "healthy"}}}'
holds "nothing of it was done all the same" permissions_unchanged "$before"

# The same tokens do what they are for, so that a refusal above was none of the token.
holds "the operator: lists pods" permissions_allowed operator GET "$in/pods"
holds "a sidecar: renews its own heartbeat" permissions_allowed sidecar PATCH "$leases/$NS/leases/proget-proget-0" \
    "{\"spec\": {\"renewTime\": \"$(date -u +%Y-%m-%dT%H:%M:%S.%6NZ)\"}}"

# --- an administrator is not hindered ---
holds "an administrator: labels a pod" permissions_allowed boss PATCH "$in/pods/proget-1" '{"metadata": {"labels": {"tier": "one"}}}'
holds "an administrator: labels it through its status" permissions_allowed boss PATCH "$in/pods/proget-1/status" '{"metadata": {"labels": {"tier": "two"}}}'
holds "an administrator: mends a heartbeat" permissions_allowed boss PATCH "$leases/$NS/leases/proget-proget-1" \
    "{\"spec\": {\"renewTime\": \"$(date -u +%Y-%m-%dT%H:%M:%S.%6NZ)\"}}"
holds "an administrator: a Lease of his own" permissions_allowed boss POST "$leases/$NS/leases" \
    '{"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "of-the-boss"}}'
holds "an administrator: changes a cluster" permissions_allowed boss PATCH "/apis/proget-operator.io/v1alpha1/namespaces/$NS/progetclusters/main" \
    '{"spec": {"servers": 3}}'
holds "an administrator: evicts" permissions_allowed boss POST "$in/pods/proget-1/eviction" "$eviction"
kubectl delete clusterrolebinding e2e-boss >/dev/null
rm -f "$WORLD"/permissions-*
unset in apps leases before eviction who line permissions_output permissions_failed_lines permissions_server
