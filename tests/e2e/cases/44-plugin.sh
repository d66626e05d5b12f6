# kubectl-proget against a cluster: status and --watch, explain, forget, init, audit. It finds, it prints, and writes one
# annotation when asked to.
# shellcheck shell=bash
# shellcheck disable=SC2154 # world.sh sets root
plugin() { "$root/build/$WORLD_PRESET/cli/kubectl-proget" "$@" 2>"$WORLD/logs/plugin.err"; }
plugin_ends() { # STATUS WORD...: with that exit status
    local wanted=$1 status=0
    shift
    plugin "$@" >"$WORLD/logs/plugin.out" || status=$?
    [ "$status" = "$wanted" ]
}
printed() { grep -qE -- "$1" "$WORLD/logs/plugin.out"; }
told() { grep -qE -- "$1" "$WORLD/logs/plugin.err"; }
without_versions() { jq -S 'del(.metadata.resourceVersion, .metadata.managedFields)'; }

# --- init: over servers that nobody declared and that have no sidecar ---
kubectl get namespace "$NS" >/dev/null 2>&1 || kubectl create namespace "$NS" >/dev/null
holds "nothing runs yet: init says so" plugin_ends 2 init -n "$NS"
holds "and what it looks for" told 'PROGET_ENCRYPTION_KEY'
namespace_make
kubectl -n "$NS" delete rolebinding,role --all >/dev/null # the sidecars' permission is to come from init
kubectl -n "$NS" create serviceaccount servers >/dev/null
REPLICAS=3 SIDECAR=no servers_manifest | jq '.spec.template.spec.serviceAccountName = "servers"' | kubectl apply -f - >/dev/null
wait_for 60 running proget-0
wait_for 60 running proget-2
kubectl -n "$NS" get statefulset proget -o json | without_versions >"$WORLD/before"
ok "init finds them" plugin_ends 0 init -n "$NS" --image proget-sidecar:0.1.0
cp "$WORLD/logs/plugin.out" "$WORLD/init.yaml"
holds "init wrote nothing to the workload" "kubectl -n $NS get statefulset proget -o json | jq -S 'del(.metadata.resourceVersion, .metadata.managedFields)' | cmp - '$WORLD/before'"
holds "nor any permission" "[ -z \"\$(kubectl -n $NS get role,rolebinding -o name)\" ]"
ok "what it prints can be applied as it is" "kubectl apply -f '$WORLD/init.yaml'"
ok "the ServiceAccount of the pods is bound" "kubectl -n $NS get rolebinding proget-sidecar -o json | jq -e '.subjects == [{kind: \"ServiceAccount\", name: \"servers\", namespace: \"$NS\"}]'"
CLUSTER_NAME=proget WITHIN=60 ok "the cluster is declared, with its size" "cluster_json | jq -e '.spec.servers == 3 and .status.servers == 3'"
CLUSTER_NAME=proget WITHIN=60 ok "by the user, not by the operator" no_finding ClusterNotDeclared
ok "init says that it is declared" "plugin_ends 0 init -n $NS && printed 'declared already'"
uids=$(kubectl -n "$NS" get pods -o jsonpath='{.items[*].metadata.uid}')
holds "no pod was replaced by all that" "[ \"$uids\" = \"\$(kubectl -n $NS get pods -o jsonpath='{.items[*].metadata.uid}')\" ]"

# --- the sidecar's patch ---
ok "init prints the sidecar's patch alone" plugin_ends 0 init proget -n "$NS" --sidecar --image proget-sidecar:0.1.0
cp "$WORLD/logs/plugin.out" "$WORLD/sidecar.yaml"
kubectl -n "$NS" patch progetcluster proget --type merge -p '{"spec":{"heartbeat":{"intervalSeconds":1,"staleAfterSeconds":10},"activation":{"host":"localhost"}}}' >/dev/null
ok "kubectl patch takes it" "kubectl -n $NS patch statefulset proget --patch-file '$WORLD/sidecar.yaml'"
ok "with the Secret that the servers use" "kubectl -n $NS get statefulset proget -o json | jq -e '.spec.template.spec.initContainers[0].env[] |
    select(.name == \"PROGET_ENCRYPTION_KEY\").valueFrom.secretKeyRef | .name == \"key\" and .key == \"key\"'"
# The new pods come one after the other, each once the one before is ready, which it is only with an active licence.
heartbeats_fresh() { activate_all; CLUSTER_NAME=proget cluster_json | jq -e '[.status.members[] | select(.heartbeat == "Fresh" and .keyFingerprint)] | length == 3'; }
WITHIN=120 ok "every server reports" heartbeats_fresh
ok "init says that the sidecar is there" "plugin_ends 0 init -n $NS && printed 'has its sidecar already'"

# --- status ---
WITHIN=60 ok "status: no error, exit 0, all healthy" "plugin_ends 0 status proget -n $NS && printed '$NS/proget  ProGet .*3 of 3 servers healthy'"
holds "status: a server with its node, heartbeat and key" printed "proget-1 +$(node_of proget-1) +.* Fresh +[0-9a-f]{8} "
holds "status: all namespaces" "plugin_ends 0 status -A proget && printed '$NS/proget'"
holds "status: no such cluster" "plugin_ends 2 status nobody -n $NS && told 'no ProGetCluster nobody in namespace $NS'"
holds "status: nobody there is said" "plugin_ends 2 status --kubeconfig '$WORLD/nowhere.yaml' && told 'To do: Name a kubeconfig'"
sed -E 's#server: https://[^ ]+#server: https://127.0.0.1:1#' "$KUBECONFIG" >"$WORLD/unreachable.yaml"
holds "status: an API server out of reach" "plugin_ends 2 status --kubeconfig '$WORLD/unreachable.yaml' && told 'To do: See whether kubectl cluster-info reaches https://127.0.0.1:1'"
kubectl -n "$NS" create serviceaccount stranger >/dev/null
token=$(kubectl -n "$NS" create token stranger)
kubectl config view --raw --minify -o json | jq --arg token "$token" '.users[0].user = {token: $token}' >"$WORLD/stranger.json"
holds "status: what is not allowed is explained" "plugin_ends 2 status -n $NS --kubeconfig '$WORLD/stranger.json' && told 'auth can-i list progetclusters.proget-operator.io -n $NS'"

# --- status --watch: reprints on change, ends on SIGINT ---
# A background job of a script ignores SIGINT unless it is told otherwise.
"$root/build/$WORLD_PRESET/cli/kubectl-proget" status proget -n "$NS" --watch >"$WORLD/watched" 2>"$WORLD/logs/plugin.err" &
watcher=$!
wait_for 20 "grep -q '3 of 3 servers healthy' '$WORLD/watched'"
simulate proget-1 '{"database":"Error"}'
WITHIN=60 ok "watch: shows the error by itself" "grep -q 'ERROR .*HealthError .*Pod proget-1' '$WORLD/watched'"
holds "status: an error stands, exit 1" plugin_ends 1 status proget -n "$NS"
holds "status: with what to do" printed 'To do: '
simulate proget-1 '{"database":"OK"}'
CLUSTER_NAME=proget WITHIN=60 ok "watch: the error is over" no_finding HealthError
kill -INT "$watcher"
watch_ended() { ! kill -0 "$watcher" 2>/dev/null; }
ok "watch: ends on SIGINT" watch_ended
watch_status=0
wait "$watcher" || watch_status=$?
holds "watch: with 0" "[ $watch_status = 0 ]"

# --- explain ---
holds "explain: the page" "plugin_ends 0 explain CoScheduled && printed '^Mitigation' && printed 'topologyKey: kubernetes.io/hostname'"
holds "explain: all codes" "plugin_ends 0 explain && printed '^EncryptionKeyMissing +error'"
holds "explain: an unknown one" "plugin_ends 2 explain CoSheduled && told 'did you mean CoScheduled'"

# --- forget ---
kubectl -n "$NS" scale statefulset proget --replicas=2 >/dev/null
gone_is_seen() { CLUSTER_NAME=proget cluster_json | jq -e '.status.members[] | select(.name == "proget-2").gone.why == "scale-down"'; }
WITHIN=60 ok "a server is gone" gone_is_seen
ok "status shows it, and how to forget it" "plugin_ends 0 status proget -n $NS || plugin_ends 1 status proget -n $NS; printed 'proget-2 is gone for .*scale-down'"
holds "forget: a live one is refused" "plugin_ends 2 forget proget-0 -n $NS && told 'proget-0 .* is live'"
holds "forget: one that never was" "plugin_ends 2 forget proget-7 -n $NS && told 'proget-2 of $NS/proget'"
holds "nothing was written by these" "CLUSTER_NAME=proget cluster_json | jq -e '.metadata.annotations[\"proget-operator.io/forget\"] == null'"
kubectl -n "$NS" annotate progetcluster proget proget-operator.io/forget=somebody >/dev/null
uid=$(CLUSTER_NAME=proget cluster_json | jq -r '.status.members[] | select(.name == "proget-2").uid')
holds "forget: the gone one" "plugin_ends 0 forget proget-2 -n $NS && printed 'forget server proget-2 \\($uid\\)'"
holds "by its uid, behind what was there" "CLUSTER_NAME=proget cluster_json | jq -e '.metadata.annotations[\"proget-operator.io/forget\"] == \"somebody,$uid\"'"
WITHIN=60 ok "the operator forgets it" "CLUSTER_NAME=proget cluster_json | jq -e '[.status.members[].name] | index(\"proget-2\") == null'"

# --- audit of what the cluster holds ---
KEY=none REPLICAS=1 SIDECAR=no servers_manifest | jq '.metadata.name = "keyless" | .spec.selector.matchLabels.app = "keyless" |
    .spec.template.metadata.labels.app = "keyless"' | kubectl apply -f - >/dev/null
wait_for 60 running keyless-0
ok "audit: an error, exit 1" plugin_ends 1 audit -n "$NS" -o json
holds "audit: of the server without a key" "jq -e '[.items[] | select(.code == \"EncryptionKeyMissing\") | .object.name] == [\"keyless-0\"]' '$WORLD/logs/plugin.out'"
holds "audit: heartbeats are read" "jq -e '[.items[] | select(.code == \"HeartbeatStale\" or .code == \"HeartbeatMissing\")] == []' '$WORLD/logs/plugin.out'"
holds "audit: as SARIF too" "plugin_ends 1 audit -n $NS -o sarif && jq -e '[.runs[].results[].ruleId] | index(\"EncryptionKeyMissing\") != null' '$WORLD/logs/plugin.out'"
ok "audit: as JSON again" plugin_ends 1 audit -n "$NS" -o json
holds "audit: everything may be read" "jq -e '[.unobserved[] | select(.what | test(\" \") | not)] == []' '$WORLD/logs/plugin.out'"
kubectl -n "$NS" create rolebinding stranger --clusterrole=view --serviceaccount="$NS:stranger" >/dev/null
ok "audit: with the rights of a viewer of the namespace" plugin_ends 1 audit -n "$NS" -o json --kubeconfig "$WORLD/stranger.json"
holds "audit: what he may not see is named" "jq -e '[.unobserved[].what] | index(\"nodes\") != null and index(\"priorityclasses\") != null' '$WORLD/logs/plugin.out'"
holds "audit: all namespaces are not his" "plugin_ends 2 audit --kubeconfig '$WORLD/stranger.json' && told 'name a namespace of yours with -n'"
rm -f "$WORLD/before" "$WORLD/init.yaml" "$WORLD/sidecar.yaml" "$WORLD/unreachable.yaml" "$WORLD/stranger.json" "$WORLD/watched"
