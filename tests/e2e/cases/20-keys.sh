# The encryption key in every way it goes wrong: changed under running servers, written out, public, malformed, absent,
# given twice. And no key is ever to be read anywhere but in the Secrets.
# shellcheck shell=bash
random_hex() { od -An -v -N"$1" -tx1 /dev/urandom | tr -d ' \n'; }
key_put() { # KEY: changes the Secret under whatever runs
    kubectl -n "$NS" patch secret key -p "{\"data\":{\"key\":\"$(printf %s "$1" | base64 -w0)\"}}" >/dev/null
}
# everything FILTER: all that the API serves but Secrets, as one line of JSON per object.
everything() {
    local kinds
    kinds=$(kubectl api-resources --verbs=list -o name | grep -vx secrets | paste -sd,)
    kubectl get "$kinds" -A -o json 2>/dev/null | jq -c ".items[] | $1"
}
# nothing_tells FILE...: none of the keys is in them, in hex of either case or in base64.
nothing_tells() { ! grep -riqF -f "$WORLD/keys" -- "$@"; }

key_first=$(random_hex 16)
key_second=$(random_hex 16)
key_literal=$(random_hex 16)
key_malformed=$(random_hex 15)zz
key_public=37D27A670394F7D82CE57F1F07D69747
for key in "$key_first" "$key_second" "$key_literal" "$key_malformed" "$key_public"; do
    printf '%s\n%s\n' "$key" "$(printf %s "$key" | base64 -w0)"
done >"$WORLD/keys"

one_node='["node-a","node-b","node-c"]'
KEY_VALUE=$key_first NODES=$one_node servers_apply
REPLICAS=1 NODES=$one_node NS=$NS-literal KEY="literal:$key_literal" servers_apply
REPLICAS=1 NODES=$one_node NS=$NS-public KEY_VALUE=$key_public servers_apply
REPLICAS=1 NODES=$one_node NS=$NS-malformed KEY_VALUE=$key_malformed servers_apply
REPLICAS=1 NODES=$one_node NS=$NS-missing KEY=none servers_apply
NS=$NS-conflict namespace_make
NS=$NS-conflict cluster_manifest | kubectl apply -f - >/dev/null
# Somebody mounted the Secret and named the file, and left the variable where it was.
REPLICAS=1 NODES=$one_node NS=$NS-conflict servers_manifest | jq '.spec.template.spec.containers[0] |=
    (.env += [{name: "PROGET_ENCRYPTION_KEY_FILE", value: "/var/run/secrets/proget-key/key"}] |
     .volumeMounts += [{name: "key", mountPath: "/var/run/secrets/proget-key", readOnly: true}])' | kubectl apply -f - >/dev/null

for pod in proget-0 proget-1 proget-2; do
    wait_for 60 running "$pod"
    wait_for 30 simulate "$pod" '{"activate":true}'
done
WITHIN=60 ok "the servers agree on one key" "cluster_json |
    jq -e '[.status.members[]? | select(.keyInSync and .heartbeat == \"Fresh\")] | length == 3'"
ok "condition EncryptionKeyInSync is True" condition EncryptionKeyInSync True

# --- the Secret is changed, and one server restarts ---
key_put "$key_second"
for pod in proget-0 proget-1; do
    WITHIN=60 ok "$pod has drifted from the Secret" finding EncryptionKeyDrift "$pod"
done
holds "they still agree" no_finding EncryptionKeyMismatch
WITHIN=60 ok "proget-2 has restarted" replace_pod proget-2
WITHIN=60 ok "the cluster's keys differ" finding EncryptionKeyMismatch main
ok "it says who agrees with whom" "cluster_json | jq -e '.status.findings[] | select(.code == \"EncryptionKeyMismatch\") |
    .message | contains(\"proget-0 and proget-1 share one key, proget-2 has another\")'"
ok "the three pods are related" "cluster_json | jq -e '.status.findings[] | select(.code == \"EncryptionKeyMismatch\") |
    [.related[] | select(.kind == \"Pod\").name] | sort == [\"proget-0\", \"proget-1\", \"proget-2\"]'"
ok "condition EncryptionKeyInSync is False, by the worst of it" "cluster_json | jq -e '.status.conditions[] |
    select(.type == \"EncryptionKeyInSync\" and .status == \"False\" and .reason == \"EncryptionKeyMismatch\")'"
for pod in proget-0 proget-1 proget-2; do ok "$pod is annotated with it" annotation "$pod" finding.EncryptionKeyMismatch; done
for pod in proget-0 proget-1; do
    ok "$pod says who has the new key" "kubectl -n $NS get pod $pod -o json |
        jq -e '.metadata.annotations[\"proget-operator.io/finding.EncryptionKeyDrift\"] | contains(\"with the new one: proget-2\")'"
    ok "$pod: the drift is announced once" event EncryptionKeyDrift "$pod" Warning 1
done
ok "proget-2, restarted, has none" "cluster_json | jq -e '[.status.findings[] |
    select(.code == \"EncryptionKeyDrift\" and .object.name == \"proget-2\" and .cleared == null)] | length == 0'"
ok "it is announced once" event EncryptionKeyMismatch main Warning 1
ok "the log says it" logged EncryptionKeyMismatch

# --- healed: the old key again, and that server once more ---
key_put "$key_first"
for pod in proget-0 proget-1; do WITHIN=60 ok "$pod is back in step with the Secret" event EncryptionKeyDrift "$pod" Normal 1; done
WITHIN=60 ok "proget-2 has restarted again" replace_pod proget-2
WITHIN=60 ok "the cluster's keys agree again" no_finding EncryptionKeyMismatch
WITHIN=60 ok "condition EncryptionKeyInSync is True again" condition EncryptionKeyInSync True
ok "it is resolved once" event EncryptionKeyMismatch main Normal 1
holds "and was announced no second time" event EncryptionKeyMismatch main Warning 1
for pod in proget-0 proget-1; do
    holds "nor was the drift of $pod" event EncryptionKeyDrift "$pod" Warning 1
    ok "$pod is no longer annotated" "no_annotation $pod finding.EncryptionKeyMismatch && no_annotation $pod finding.EncryptionKeyDrift"
done

# --- the single ones ---
# single SUFFIX CODE: stands on the pod, everywhere that a user looks.
single() {
    local NS=$NS-$1 code=$2
    WITHIN=60 ok "$1: $code" finding "$code" proget-0
    ok "$1: announced once" event "$code" proget-0 Warning 1
    ok "$1: annotated" annotation proget-0 "finding.$code"
    ok "$1: in the log" logged "$code"
    ok "$1: condition EncryptionKeyInSync is False" condition EncryptionKeyInSync False
}
single literal EncryptionKeyExposed
single public EncryptionKeyPublic
single malformed EncryptionKeyMalformed
single missing EncryptionKeyMissing
single conflict EncryptionKeyConflict
WITHIN=60 ok "conflict: the product does not start with it" "kubectl -n $NS-conflict get pod proget-0 -o json |
    jq -e '.status.containerStatuses[0] | .restartCount > 0 or .state.terminated != null or .lastState.terminated.exitCode == 1'"
holds "conflict: the sidecar stays" "kubectl -n $NS-conflict get pod proget-0 -o json |
    jq -e '.status.initContainerStatuses[0] | .restartCount == 0 and .state.running != null'"

# --- no key anywhere ---
everything . >"$WORLD/everything"
# The literal is where its owner wrote it, and nowhere else.
everything 'walk(if type == "object" then del(.env, ."kubectl.kubernetes.io/last-applied-configuration") else . end)' >"$WORLD/everything-said"
holds "a key would be found: the literal is in its spec" grep -qF "$key_literal" "$WORLD/everything"
holds "the Leases and Events are among what is searched" "jq -es '[.[].kind] | index(\"Lease\") and index(\"Event\") and index(\"ProGetCluster\")' '$WORLD/everything-said'"
holds "no object tells a key" nothing_tells "$WORLD/everything-said"
holds "no object but the one with the literal has one even in its spec" "! grep -vF '$NS-literal' '$WORLD/everything' | grep -qiF -f '$WORLD/keys'"
holds "no log tells a key" nothing_tells "$WORLD/nodes/logs" "$WORLD/logs" "$WORLD/cluster/logs" "$WORLD/cluster/audit.log"
rm -f "$WORLD/keys" "$WORLD/everything" "$WORLD/everything-said"
for suffix in literal public malformed missing conflict; do NS=$NS-$suffix namespace_end; done
