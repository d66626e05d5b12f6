#!/usr/bin/env bash
# The part of manifests_test.sh that tries the admission policies, with real tokens. Sourced by it: the frame (check,
# call, allowed, denied_by, eventually, ...) and the variables are there.
# shellcheck disable=SC2154

# ---- policies: the operator ------------------------------------------------------------------------------------------

# gated_pod NAME [SERVICEACCOUNT]: a pod that no scheduler places
gated_pod() {
    jq -nc --arg name "$1" --arg account "${2:-default}" '{apiVersion: "v1", kind: "Pod", metadata: {name: $name,
        labels: {app: "tried"}, annotations: {"example.com/kept": "1"}}, spec: {serviceAccountName: $account,
        schedulingGates: [{name: "proget-operator.io/test"}],
        containers: [{name: "c", image: "example.invalid/c:1.0.0"}]}}' |
        kubectl --namespace "$space" create -f - >/dev/null
}
declare -A uid=() # of pods, by the name of their token
keep_uid() { uid[$1]=$(uid_of pod "$2"); }
uid_of() { kubectl --namespace "$space" get "$1" "$2" -o 'jsonpath={.metadata.uid}'; }
annotate() { jq -nc --arg key "$1" --argjson value "$2" '{metadata: {annotations: {($key): $value}}}'; }

# pod_policy TOKEN WHO: what the operator may and may not do to a pod
pod_policy() {
    local by=$1 who=$2 pod="/api/v1/namespaces/$space/pods/server-a/status" policy=proget-operator-pods
    # A policy takes a few seconds to act.
    check "$who: labels of a pod are refused" eventually 60 \
        denied_by $policy "$by" MERGE "$pod" '{"metadata": {"labels": {"app": "other"}}}'
    kubectl --namespace "$space" label --overwrite pod server-a app=tried >/dev/null
    check "$who: removing a label is refused" denied_by $policy "$by" MERGE "$pod" \
        '{"metadata": {"labels": {"app": null}}}'
    check "$who: finalizers are refused" denied_by $policy "$by" MERGE "$pod" \
        '{"metadata": {"finalizers": ["example.com/stay"]}}'
    check "$who: owners of a pod stay" owners_stay "$by" "$pod"
    check "$who: the phase is refused" denied_by $policy "$by" MERGE "$pod" '{"status": {"phase": "Failed"}}'
    check "$who: a condition is refused" denied_by $policy "$by" MERGE "$pod" \
        '{"status": {"conditions": [{"type": "Ready", "status": "True"}]}}'
    check "$who: an annotation of another prefix is refused" denied_by $policy "$by" MERGE "$pod" \
        "$(annotate descheduler.alpha.kubernetes.io/evict '"true"')"
    check "$who: changing a foreign annotation is refused" denied_by $policy "$by" MERGE "$pod" \
        "$(annotate example.com/kept '"2"')"
    check "$who: removing a foreign annotation is refused" denied_by $policy "$by" MERGE "$pod" \
        "$(annotate example.com/kept null)"
    check "$who: an ignore annotation is refused" denied_by $policy "$by" MERGE "$pod" \
        "$(annotate ignore.proget-operator.io/all '"hidden"')"
    check "$who: an annotation of its own prefix is allowed" allowed "$by" MERGE "$pod" \
        "$(annotate proget-operator.io/status '"error"')"
    check "$who: its removal too" allowed "$by" MERGE "$pod" "$(annotate proget-operator.io/status null)"
    check "$who: server-side apply of annotations, and their removal by omission" applied_and_omitted "$by"
    check "$who: a patch of the pod itself is refused by RBAC" denied_by_rbac "$by" MERGE "${pod%/status}" \
        "$(annotate proget-operator.io/status '"error"')"
}
# The policy holds whatever else somebody grants to the operator.
test_widened_operator() {
    local pod="/api/v1/namespaces/$space/pods/server-a" policy=proget-operator-pods
    kubectl --namespace "$space" create role widened --verb=patch --resource=pods >/dev/null
    kubectl --namespace "$space" create rolebinding widened --role=widened \
        --serviceaccount=proget-operator:proget-operator >/dev/null
    check "the operator, granted more: the spec of a pod is refused" eventually 20 denied_by $policy operator MERGE \
        "$pod" '{"spec": {"activeDeadlineSeconds": 60}}'
    check "the operator, granted more: owners of a pod are refused" denied_by $policy operator MERGE "$pod" \
        '{"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "x", "uid": "x"}]}}'
    check "the operator, granted more: its own annotations are allowed" allowed operator MERGE "$pod" \
        "$(annotate proget-operator.io/status null)"
    kubectl --namespace "$space" delete rolebinding widened >/dev/null
    kubectl --namespace "$space" delete role widened >/dev/null
}
# The API server itself drops them from a change of the status.
owners_stay() {
    call "$1" MERGE "$2" \
        '{"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "x", "uid": "x"}]}}'
    kubectl --namespace "$space" get pod server-a -o json | jq -e '.metadata | has("ownerReferences") | not'
}
applied_and_omitted() {
    local path="/api/v1/namespaces/$space/pods/server-a/status?fieldManager=proget-operator&force=true" body
    body=$(jq -nc --arg uid "${uid[a]}" '{apiVersion: "v1", kind: "Pod", metadata: {name: "server-a", uid: $uid}}')
    allowed "$1" APPLY "$path" "$(jq -c '.metadata.annotations = {"proget-operator.io/findings": "A,B",
        "proget-operator.io/finding.A": "sentence"}' <<<"$body")" &&
        jq -e '.metadata.annotations["proget-operator.io/findings"] == "A,B"' "$work/answer" &&
        allowed "$1" APPLY "$path" "$body" &&
        jq -e '.metadata.annotations == {"example.com/kept": "1"}' "$work/answer"
}

# lease NAME POD UID: the heartbeat as the sidecar applies it
lease() {
    jq -nc --arg name "$1" --arg pod "$2" --arg uid "$3" '{apiVersion: "coordination.k8s.io/v1", kind: "Lease",
        metadata: {name: $name, labels: {"app.kubernetes.io/managed-by": "proget-sidecar"},
            annotations: {"proget-operator.io/report": "{\"v\":1}"},
            ownerReferences: [{apiVersion: "v1", kind: "Pod", name: $pod, uid: $uid}]},
        spec: {holderIdentity: $pod, leaseDurationSeconds: 300, renewTime: "2026-11-22T07:00:00.000000Z"}}'
}

# agreed_to TOKEN HOW ...: allowed; or everybody agreed, and only the operators that run were faster: they make their
# Lease as soon as it is gone, and renew it.
agreed_to() {
    allowed "$@" >/dev/null || [ "$code" = 409 ] || { echo "HTTP $code: $(jq -r .message "$work/answer")"; return 1; }
}
lease_path() { printf '/apis/coordination.k8s.io/v1/namespaces/%s/leases/%s' "${2:-$space}" "$1"; }
by_sidecar='?fieldManager=proget-sidecar&force=true'
by_operator='?fieldManager=proget-operator&force=true'
renewal='{"spec": {"renewTime": "2026-11-22T07:00:30.000000Z"}}'

# lease_policy TOKEN WHO NAMESPACE: what the operator of that namespace may do to Leases; proget-server-a is a heartbeat
lease_policy() {
    local by=$1 who=$2 home=$3 policy=proget-operator-leases path settings election
    path=$(lease_path proget-server-a)
    settings='{"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": "proget-server-a",
        "annotations": {"proget-operator.io/interval-seconds": "30", "proget-operator.io/stale-after-seconds": "300",
        "proget-operator.io/internet-access": "Auto", "proget-operator.io/activation-host": "my.inedo.com",
        "proget-operator.io/messenger-port": "33237"}}}'
    check "$who: renewing a heartbeat is refused" eventually 60 denied_by $policy "$by" MERGE "$path" \
        '{"spec": {"renewTime": "2026-11-22T09:09:09.000000Z"}}'
    check "$who: a heartbeat's holder is refused" denied_by $policy "$by" MERGE "$path" \
        '{"spec": {"holderIdentity": "other"}}'
    check "$who: a heartbeat's settings are allowed" allowed "$by" APPLY "$path$by_operator" "$settings"
    check "$who: their removal too" allowed "$by" MERGE "$path" \
        "$(annotate proget-operator.io/messenger-port null)"
    check "$who: a heartbeat's report is refused" denied_by $policy "$by" MERGE "$path" \
        "$(annotate proget-operator.io/report '"forged"')"
    check "$who: another annotation is refused" denied_by $policy "$by" MERGE "$path" \
        "$(annotate example.com/other '"1"')"
    check "$who: a heartbeat's label is refused" denied_by $policy "$by" MERGE "$path" \
        '{"metadata": {"labels": {"app.kubernetes.io/managed-by": null}}}'
    check "$who: a heartbeat's owner is refused" denied_by $policy "$by" MERGE "$path" \
        '{"metadata": {"ownerReferences": []}}'
    check "$who: a heartbeat's finalizers are refused" denied_by $policy "$by" MERGE "$path" \
        '{"metadata": {"finalizers": ["example.com/stay"]}}'
    check "$who: settings on a Lease without the label are refused" denied_by $policy "$by" MERGE \
        "$(lease_path unlabelled)" "$(annotate proget-operator.io/interval-seconds '"1"')"
    check "$who: labelling a foreign Lease is refused" denied_by $policy "$by" MERGE "$(lease_path unlabelled)" \
        '{"metadata": {"labels": {"app.kubernetes.io/managed-by": "proget-sidecar"}}}'
    check "$who: kube-scheduler's Lease is refused" denied_by $policy "$by" MERGE \
        "$(lease_path kube-scheduler kube-system)" '{"spec": {"holderIdentity": "thief"}}'
    check "$who: creating a Lease in another namespace is refused by RBAC" denied_by_rbac "$by" APPLY \
        "$(lease_path fresh)$by_operator" "$(lease fresh x x)"
    check "$who: creating another Lease in its own namespace is refused" denied_by $policy "$by" APPLY \
        "$(lease_path fresh "$home")$by_operator" "$(lease fresh x x)"
    election=$(jq -nc '{apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: {name: "proget-operator"},
        spec: {holderIdentity: "me", leaseDurationSeconds: 15}}')
    kubectl --namespace "$home" delete lease proget-operator --ignore-not-found >/dev/null
    check "$who: its election Lease: create" agreed_to "$by" POST "$(lease_path '' "$home")" "$election"
    check "$who: its election Lease: get" allowed "$by" GET "$(lease_path proget-operator "$home")"
    check "$who: its election Lease: update" agreed_to "$by" PUT "$(lease_path proget-operator "$home")" \
        "$(jq -c '.spec.holderIdentity = "you"' "$work/answer")"
    kubectl --namespace "$home" delete lease proget-operator --ignore-not-found >/dev/null
    check "$who: deleting a Lease is refused by RBAC" denied_by_rbac "$by" DELETE "$path"
}

# ---- policies: the sidecars ------------------------------------------------------------------------------------------

test_sidecar_policy() {
    local policy=proget-sidecar-heartbeats own other held
    own=$(lease_path proget-server-a)
    other=$(lease_path proget-server-b)
    # Not yet in force, a forged one would be created: it is removed again.
    check "a sidecar: another pod's heartbeat is refused" eventually 60 \
        denied_by $policy a APPLY "$other$by_sidecar" "$(lease proget-server-b server-b "${uid[b]}")"
    kubectl --namespace "$space" delete lease proget-server-b --ignore-not-found >/dev/null
    check "a sidecar: its own heartbeat is created by apply" allowed a APPLY "$own$by_sidecar" \
        "$(lease proget-server-a server-a "${uid[a]}")"
    held=$(uid_of lease proget-server-a)
    check "a sidecar: and renewed by a merge patch with its uid" allowed a MERGE "$own" \
        "$(jq -c --arg uid "$held" '.metadata.uid = $uid' <<<"$renewal")"
    check "a sidecar: a report is changed by apply" allowed a APPLY "$own$by_sidecar" \
        "$(lease proget-server-a server-a "${uid[a]}" |
            jq -c '.metadata.annotations["proget-operator.io/report"] = "{}"')"
    check "a sidecar may not read it" denied_by_rbac a GET "$own"
    check "a sidecar may not delete it" denied_by_rbac a DELETE "$own"
    allowed b APPLY "$other$by_sidecar" "$(lease proget-server-b server-b "${uid[b]}")" >/dev/null
    check "a sidecar: renewing another pod's heartbeat is refused" denied_by $policy a MERGE "$other" "$renewal"
    check "a sidecar: taking over another pod's is refused" denied_by $policy a APPLY "$other$by_sidecar" \
        "$(lease proget-server-b server-a "${uid[a]}")"
    check "a sidecar: a foreign uid in the owner is refused" denied_by $policy a APPLY "$own$by_sidecar" \
        "$(lease proget-server-a server-a "${uid[b]}")"
    check "a sidecar: another owner name is refused" denied_by $policy a APPLY "$own$by_sidecar" \
        "$(lease proget-server-a server-b "${uid[a]}")"
    check "a sidecar: no owner is refused" denied_by $policy a MERGE "$own" '{"metadata": {"ownerReferences": null}}'
    check "a sidecar: removing the label is refused" denied_by $policy a MERGE "$own" \
        '{"metadata": {"labels": {"app.kubernetes.io/managed-by": null}}}'
    check "a sidecar: a finalizer is refused" denied_by $policy a MERGE "$own" \
        '{"metadata": {"finalizers": ["example.com/stay"]}}'
    check "a sidecar: an unlabelled Lease of its own name is refused" denied_by $policy c APPLY \
        "$(lease_path proget-server-c)$by_sidecar" "$(lease proget-server-c server-c "${uid[c]}" |
            jq -c 'del(.metadata.labels)')"
    check "a sidecar: adopting an unlabelled Lease of its own name is refused" denied_by $policy d APPLY \
        "$(lease_path proget-server-d)$by_sidecar" "$(lease proget-server-d server-d "${uid[d]}")"
    check "a sidecar: a Lease of another name is refused" denied_by $policy a APPLY "$(lease_path mine)$by_sidecar" \
        "$(lease mine server-a "${uid[a]}")"
    check "a sidecar: an existing foreign Lease is refused" denied_by $policy a MERGE "$(lease_path unlabelled)" \
        '{"spec": {"holderIdentity": "thief"}}'
    check "a sidecar: the Lease of the pod that had its name before is refused" left_over_is_refused
    check "the same ServiceAccount with a token of no pod is refused" denied_by $policy loose MERGE "$own" "$renewal"
    check "and told that its token belongs to no pod" grep -q 'this token belongs to no pod' "$work/answer"
    check "another namespace's Leases are refused by RBAC" denied_by_rbac a MERGE \
        "$(lease_path kube-scheduler kube-system)" "$renewal"

    local name
    name=$(printf 'proget-%s' "$long_name" | cut -c1-223)
    check "a pod with a name over 240 characters: its own heartbeat is allowed" allowed long APPLY \
        "$(lease_path "$name-0123456789abcdef")$by_sidecar" \
        "$(lease "$name-0123456789abcdef" "$long_name" "${uid[long]}")"
    check "a pod with such a name: another head is refused" denied_by $policy long APPLY \
        "$(lease_path "proget-other-0123456789abcdef")$by_sidecar" \
        "$(lease proget-other-0123456789abcdef "$long_name" "${uid[long]}")"
    check "a pod with such a name: no hash is refused" denied_by $policy long APPLY \
        "$(lease_path "$name")$by_sidecar" "$(lease "$name" "$long_name" "${uid[long]}")"
}
# A pod is gone and another of its name is there, before the Lease has been collected: kept here by a finalizer.
left_over_is_refused() {
    local path
    path=$(lease_path proget-reborn)
    gated_pod reborn && token reborn "$space" default reborn &&
        allowed reborn APPLY "$path$by_sidecar" "$(lease proget-reborn reborn "$(uid_of pod reborn)")" || return 1
    kubectl --namespace "$space" patch lease proget-reborn --type=merge \
        --patch='{"metadata": {"finalizers": ["example.com/stay"]}}'
    kubectl --namespace "$space" delete pod reborn --wait && gated_pod reborn && token reborn "$space" default reborn
    denied_by proget-sidecar-heartbeats reborn MERGE "$path" "$renewal"
    local result=$?
    # Let go of, it is collected.
    kubectl --namespace "$space" patch lease proget-reborn --type=merge --patch='{"metadata": {"finalizers": null}}'
    return $result
}

# Who has wider rights is not hindered; and still cannot speak for a server, unless he is an administrator.
test_others() {
    local own
    own=$(lease_path proget-server-a)
    check "an administrator's ServiceAccount in a pod: a heartbeat is not hindered" allowed boss MERGE "$own" "$renewal"
    check "an administrator's ServiceAccount in a pod: another Lease is not hindered" allowed boss MERGE \
        "$(lease_path unlabelled)" "$renewal"
    check "an administrator's ServiceAccount in a pod: creating is not hindered" allowed boss POST "$(lease_path '')" \
        "$(jq -nc '{apiVersion: "coordination.k8s.io/v1", kind: "Lease", metadata: {name: "of-the-boss"}}')"
    check "an administrator's ServiceAccount may label a pod through its status" allowed boss MERGE \
        "/api/v1/namespaces/$space/pods/server-b/status" '{"metadata": {"labels": {"tier": "one"}}}'
    check "a namespace administrator may mend a heartbeat" kubectl --as=admin-user --namespace "$space" patch lease \
        proget-server-a --type=merge --patch="$renewal"
    check "another controller with wider rights: its Lease is not hindered" allowed controller APPLY \
        "$(lease_path controller)$by_sidecar" "$(lease controller x x |
            jq -c 'del(.metadata.labels, .metadata.ownerReferences)')"
    check "another controller: not hindered either by a name like a heartbeat's" allowed controller APPLY \
        "$(lease_path proget-controller)$by_sidecar" "$(lease proget-controller x x |
            jq -c 'del(.metadata.labels, .metadata.ownerReferences)')"
    check "another controller with the sidecar's Role as well: not hindered" allowed both MERGE \
        "$(lease_path controller)" "$renewal"
    check "another controller: speaking for a server is refused" denied_by proget-sidecar-heartbeats controller MERGE \
        "$own" "$renewal"
    check "another controller: labelling its Lease as a heartbeat is refused" denied_by proget-sidecar-heartbeats \
        controller MERGE "$(lease_path controller)" \
        '{"metadata": {"labels": {"app.kubernetes.io/managed-by": "proget-sidecar"}}}'
    check "the garbage collector removes a heartbeat with its pod" collected_with_its_pod
}
collected_with_its_pod() {
    kubectl --namespace "$space" delete pod server-b --wait && eventually 60 lease_is_gone proget-server-b
}
lease_is_gone() { [ -z "$(kubectl --namespace "$space" get lease "$1" --ignore-not-found -o name)" ]; }

# ---- another namespace for the operator ------------------------------------------------------------------------------

test_other_namespace() {
    mkdir -p "$work/elsewhere"
    cat >"$work/elsewhere/kustomization.yaml" <<EOF
namespace: $elsewhere
resources: [$(relative "$work/elsewhere" "$manifests/base")]
EOF
    check "an overlay with another namespace: kubectl apply -k" applies "$work/elsewhere"
    check "an overlay with another namespace: nothing stays behind" not_left_behind
    token elsewhere "$elsewhere" proget-operator
    check "the operator there has its permissions" eventually 20 \
        may yes "system:serviceaccount:$elsewhere:proget-operator" list pods
    pod_policy elsewhere "the operator in another namespace"
    lease_policy elsewhere "the operator in another namespace" "$elsewhere"
    applies "$manifests/base" >/dev/null
}
not_left_behind() {
    kubectl kustomize "$work/elsewhere" -o "$work/built.yaml" &&
        not grep -E 'namespace: proget-operator$|system:serviceaccount:proget-operator' "$work/built.yaml"
}
