# What the fault cases share; sourced by run.sh. A case causes a fault, changes something meanwhile, ends the fault and
# waits for what has to be true then. The usual change is one of two servers on one node (CoScheduled).
# shellcheck shell=bash
# shellcheck source=tests/faults/world.sh
. "$(dirname "${BASH_SOURCE[0]}")/world.sh"

# ok WHAT COMMAND...: one assertion, waited for up to WITHIN seconds (default 20).
ok() {
    local what=$1 began_ms
    shift
    began_ms=$(cluster_now_ms)
    if in_time "$@"; then
        printf 'ok    %s: %s%s\n' "$CASE" "$what" "$(took "$began_ms")"
        return 0
    fi
    printf 'FAIL  %s: %s\n' "$CASE" "$what"
    case_evidence
    return 0
}
# in_time COMMAND...: as wait_for does, but looks less often: several cases look at the same time.
in_time() {
    local deadline_ms=$(($(cluster_now_ms) + ${WITHIN:-20} * 1000))
    while :; do
        if [ $# -eq 1 ]; then
            eval "$1" >/dev/null 2>&1 && return 0
        else
            "$@" >/dev/null 2>&1 && return 0
        fi
        [ "$(cluster_now_ms)" -lt "$deadline_ms" ] || return 1
        cluster_pause 0.3
    done
}
holds() { WITHIN=0 ok "$@"; } # one assertion about now
took() {
    local took_ms=$(($(cluster_now_ms) - $1))
    [ "$took_ms" -lt 1000 ] || printf ' (after %d.%d s)' $((took_ms / 1000)) $((took_ms % 1000 / 100))
}
# ok_log WHAT COUNT TEXT: the operator's log has that many lines with it; shows them.
ok_log() {
    ok "$1" "log_lines '$3' $2"
    grep -F -- "$3" "$OPERATOR_LOG" | sed 's/^/      | /'
}
log_lines() { [ "$(grep -cF -- "$1" "$OPERATOR_LOG")" = "$2" ]; }

case_evidence() {
    api "/apis/proget-operator.io/v1alpha1/namespaces/$NS/progetclusters" |
        jq -c '.items[].status | .findings[]? | [.code, .object.name, [.related[]?.name], .since, .announced, .cleared]' | sed 's/^/  /'
    cluster_json | jq -c '.status.conditions[] | select(.type == "Observed") | [.status, .message]' | sed 's/^/  /'
    api "/apis/events.k8s.io/v1/namespaces/$NS/events" |
        jq -c '.items[] | select(.reason == "CoScheduled") | [.eventTime, .action, .regarding.name, .related.name, .series]' | sed 's/^/  /'
    tail -n 15 "$OPERATOR_LOG" | cut -c 1-260 | sed 's/^/  | /'
    faults_ctl rules 2>/dev/null | jq -c '.[]' | sed 's/^/  rule /'
    faults_ctl counts 2>/dev/null | jq -c 'del(.requests)' | sed 's/^/  /'
}

# --- objects -------------------------------------------------------------------------------------------------------------
# node_make LETTER: ready, of the case alone.
node_make() {
    jq -n --arg name "$NS-$1" '{apiVersion: "v1", kind: "Node", metadata: {name: $name, labels: {"kubernetes.io/hostname": $name}}}' |
        api_create /api/v1/nodes
    api_patch "/api/v1/nodes/$NS-$1/status" "$(jq -nc --arg now "$(date -u +%FT%TZ)" '{status: {
        capacity: {cpu: "8", memory: "16Gi", pods: "110"}, allocatable: {cpu: "8", memory: "16Gi", pods: "110"},
        conditions: [{type: "Ready", status: "True", reason: "KubeletReady", message: "", lastHeartbeatTime: $now, lastTransitionTime: $now}]}}')"
}

# cluster_make: HEARTBEAT is a JSON object.
cluster_make() {
    jq -n --arg ns "$NS" --argjson heartbeat "${HEARTBEAT:-null}" '
    {apiVersion: "proget-operator.io/v1alpha1", kind: "ProGetCluster", metadata: {name: "main", namespace: $ns},
     spec: ({selector: {matchLabels: {app: "proget"}},
             ignore: (["PriorityClassMissing", "QosNotGuaranteed", "DisruptionBudgetMissing", "NoSpareNode", "SidecarMissing"] | map({code: ., reason: "no matter here"}))}
            + if $heartbeat then {heartbeat: $heartbeat} else {} end)}' |
        api_create "/apis/proget-operator.io/v1alpha1/namespaces/$NS/progetclusters"
}

# pod_make NAME LETTER: a ProGet server that runs on that node. SIDECAR=yes: with the sidecar's container.
pod_make() {
    jq -n --arg name "$1" --arg node "$NS-$2" --arg sidecar "${SIDECAR:-no}" '
    {apiVersion: "v1", kind: "Pod", metadata: {name: $name, labels: {app: "proget"}},
     spec: {nodeName: $node, automountServiceAccountToken: false, tolerations: [{operator: "Exists"}],
            initContainers: (if $sidecar == "yes" then [{name: "proget-sidecar", image: "proget-sidecar:0.1.0", restartPolicy: "Always"}] else [] end),
            containers: [{name: "proget", image: "proget.inedo.com/productimages/inedo/proget:25.0.13",
                          env: [{name: "PROGET_ENCRYPTION_KEY", valueFrom: {secretKeyRef: {name: "key", key: "key"}}},
                                {name: "PROGET_POSTGRES_CONNECTION_STRING", value: "Host=db"}],
                          volumeMounts: [{name: "packages", mountPath: "/var/proget/packages"}]}],
            volumes: [{name: "packages", nfs: {server: "storage.example.com", path: "/packages"}}]}}' |
        api_create "/api/v1/namespaces/$NS/pods" || return 1
    api_patch "/api/v1/namespaces/$NS/pods/$1/status" "$(jq -nc --arg now "$(date -u +%FT%TZ)" '{status: {
        phase: "Running", podIP: "10.1.0.1", conditions: [{type: "Ready", status: "True", lastTransitionTime: $now}],
        containerStatuses: [{name: "proget", ready: true, started: true, restartCount: 0, image: "i", imageID: "i", state: {running: {startedAt: $now}}}]}}')"
}
pod_end() { api_delete "/api/v1/namespaces/$NS/pods/$1"; }

# heartbeat_start POD SECONDS: somebody renews the Lease of that server each second, past the proxies, until heartbeat_stop.
heartbeat_start() {
    local pod=$1 seconds=$2 leases=/apis/coordination.k8s.io/v1/namespaces/$NS/leases uid
    uid=$(api "/api/v1/namespaces/$NS/pods/$pod" | jq -r .metadata.uid)
    jq -n --arg pod "$pod" --arg uid "$uid" --argjson seconds "$seconds" --arg now "$(micro_now)" '
    {apiVersion: "coordination.k8s.io/v1", kind: "Lease",
     metadata: {name: "proget-\($pod)", labels: {"app.kubernetes.io/managed-by": "proget-sidecar"},
                ownerReferences: [{apiVersion: "v1", kind: "Pod", name: $pod, uid: $uid}],
                annotations: {"proget-operator.io/report": "{\"v\":1,\"product\":\"ProGet\",\"version\":\"2025.13\",\"release\":\"25.0.13\",\"health\":{\"state\":\"ok\",\"http\":200,\"database\":\"OK\",\"license\":\"OK\",\"service\":\"OK\",\"detail\":null}}"}},
     spec: {holderIdentity: $pod, leaseDurationSeconds: $seconds, renewTime: $now}}' | api_create "$leases"
    (
        while cluster_pause 1; do
            api_patch "$leases/proget-$pod" "{\"spec\":{\"renewTime\":\"$(micro_now)\"}}" 2>/dev/null || true
        done
    ) &
    heartbeat_pid=$!
}
# leases_make COUNT: of sidecars whose pods are gone.
leases_make() {
    local pki=$WORLD/cluster/pki
    jq -nr --argjson count "$1" --arg url "$SERVER/apis/coordination.k8s.io/v1/namespaces/$NS/leases" --arg pki "$pki" '
        range($count) | {apiVersion: "coordination.k8s.io/v1", kind: "Lease", spec: {holderIdentity: "gone-\(.)"},
                         metadata: {name: "gone-\(.)", labels: {"app.kubernetes.io/managed-by": "proget-sidecar"}}} | tojson |
        (if . == "" then "" else "next" end), "silent", "url = \($url)", "output = /dev/null", "cacert = \($pki)/ca.crt", "cert = \($pki)/admin.crt",
        "key = \($pki)/admin.key", "header = \"Content-Type: application/json\"", "data = \(tojson)"' | sed 1d |
        curl -sf --parallel --parallel-max 20 -K - >/dev/null
}
heartbeat_stop() {
    kill "$heartbeat_pid" 2>/dev/null
    wait "$heartbeat_pid" 2>/dev/null
}
micro_now() { date -u +%FT%T.%6NZ; }

# --- the usual change -------------------------------------------------------------------------------------------------------
# crowd: another server comes to the node of proget-0; mend: it leaves again.
crowd() {
    crowds=$((crowds + 1))
    pod_make "extra-$crowds" a
}
mend() {
    mends=$((mends + 1))
    pod_end "extra-$crowds"
}
# crowded: that stands in the status and in the annotations of both, and was said once of each.
crowded() {
    cluster_json | jq -e --arg extra "extra-$crowds" '[.status.findings[] | select(.code == "CoScheduled" and .cleared == null and .announced != null)
        | [.object.name, (.related[] | select(.kind == "Pod").name)] | sort] == [[$extra, "proget-0"], [$extra, "proget-0"]]' &&
        annotated proget-0 "extra-$crowds" && annotated "extra-$crowds" proget-0 && said_so_far
}
# alone: it is over, and that was said once.
alone() {
    cluster_json | jq -e '.status != null and ([.status.findings[] | select(.code == "CoScheduled" and .cleared == null)] == [])' &&
        api "/api/v1/namespaces/$NS/pods/proget-0" | jq -e '.metadata.annotations["proget-operator.io/finding.CoScheduled"] == null' &&
        said_so_far
}
# said_so_far: as many Events as there were changes: Detected once per change on each, Resolved once on who is left; and
# at most once on who leaves: a server that ends shares nothing any more, if it is seen to end before it is gone.
said_so_far() {
    api "/apis/events.k8s.io/v1/namespaces/$NS/events" | jq -e --argjson crowds "$crowds" --argjson mends "$mends" '
        [.items[] | select(.reason == "CoScheduled")] as $events
        | ($events | map(select(.regarding.name == "proget-0" and .action == "Detected")) | length) == $crowds
          and ($events | map(select(.regarding.name == "proget-0" and .action == "Resolved")) | length) == $mends
          and ($events | map(select(.regarding.name != "proget-0" and .action == "Detected") | .regarding.name) | unique | length) == $crowds
          and ($events | map(select(.regarding.name != "proget-0" and .action == "Detected")) | length) == $crowds
          and ($events | map(select(.regarding.name != "proget-0" and .action == "Resolved") | .regarding.name) | length == (unique | length))
          and ($events | map(select(.series != null)) | length) == 0'
}
# through WHAT: the change that was made meanwhile is published, and what follows it as well.
through() {
    if [ "$crowds" -gt "$mends" ]; then
        ok "$1: what came meanwhile is found and said once" crowded
    else
        ok "$1: what was mended meanwhile is said to be, once" alone
    fi
}
change() { if [ "$crowds" -gt "$mends" ]; then mend; else crowd; fi; }

# --- reading --------------------------------------------------------------------------------------------------------------
cluster_json() { api "/apis/proget-operator.io/v1alpha1/namespaces/$NS/progetclusters/main"; }
members() { cluster_json | jq -e --argjson count "$1" '[.status.members[]? | select(.gone == null)] | length == $count'; }
annotated() { # POD WORD
    api "/api/v1/namespaces/$NS/pods/$1" | jq -e --arg word "$2" '.metadata.annotations["proget-operator.io/finding.CoScheduled"] // "" | contains($word)'
}
finding() { cluster_json | jq -e --arg code "$1" '[.status.findings[]? | select(.code == $code and .cleared == null)] | length > 0'; }
events() { # CODE ACTION: how many
    api "/apis/events.k8s.io/v1/namespaces/$NS/events" | jq --arg code "$1" --arg action "$2" '[.items[] | select(.reason == $code and .action == $action)] | length'
}
never_said() { [ "$(events "$1" Detected)" = 0 ]; }
observed() { # STATUS [WORD]: the condition Observed
    cluster_json | jq -e --arg status "$1" --arg word "${2:-}" '.status.conditions[] | select(.type == "Observed") | .status == $status and (.message | contains($word))'
}
# requests_of PATTERN: the requests of this case's operators that reached the API server, as its audit log tells, in their
# order: "VERB URI", by a regular expression over that. Of kinds that belong to the namespace, so that they are this case's.
requests_of() {
    grep -F "/namespaces/$NS/" "$WORLD/cluster/audit.log" | grep -F '"username":"system:serviceaccount:proget-operator:proget-operator"' |
        sed -E 's/.*"auditID":"([^"]*)".*"requestURI":"([^"]*)","verb":"([^"]*)".*/\1 \3 \2/; s/\\u0026/\&/g' |
        awk '!seen[$1]++ { print $2, $3 }' | grep -E -- "$1"
}
requests() { requests_of "$1" | wc -l; }
# reads KIND: how often all of it was read, by a list or by a watch that begins with everything.
reads() { requests "^(list [^ ]*/$1\?|watch [^ ]*/$1\?.*sendInitialEvents)"; }
# never_back KIND: whatever was asked for after the first time began at a version, and none was older than one before it.
never_back() {
    ! requests_of "/$1\?" | tail -n +2 | grep -qvE 'resourceVersion=[1-9]' &&
        requests_of "/$1\?" | grep -o 'resourceVersion=[0-9]*' | cut -d= -f2 | sort -Cn
}
# watches KIND COUNT: that many watches of it were answered so far.
watches() {
    [ "$(faults_counts "[.requests[] | select(.verb == \"watch\" and .status == 200 and (.path | endswith(\"/$1\"))) | .count] | add // 0")" -ge "$2" ]
}
fired() { [ "$(faults_counts ".faults[\"$1\"] // 0")" -ge "${2:-1}" ]; } # FAULT [COUNT]
# apply RESOURCE FAULT: to the watches that are open now; it has to hit one.
apply() {
    faults_act "{\"action\":\"apply\",\"match\":{\"form\":\"watch\",\"resource\":$(jq -nc --arg kind "$1" '$kind')},\"fault\":$2}" |
        jq -e '.affected > 0' >/dev/null
}
