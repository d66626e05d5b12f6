# Input that nobody should send: reports that are none, are huge, or speak for another pod; a ProGetCluster with the
# worst values that its schema lets through; a kubeconfig and a certificate that are wrong. The operator stays up, names
# what it cannot use, and goes on with the rest.
# shellcheck shell=bash
operator_lives() { kubectl -n proget-operator get pods -o json | jq -c '[.items[] | [.metadata.uid, .status.containerStatuses[0].restartCount, .status.containerStatuses[0].containerID]]'; }
log_lines() { operator_log | wc -l; }
log_since() { operator_log | tail -n "+$(($1 + 1))"; }
# named_once LINES TEXT...: since that many lines, one single warning or error of the log has all of these texts.
named_once() {
    local from=$1 found text
    shift
    found=$(log_since "$from" | grep -E '^[^ ]+ (warning|error) ')
    for text in "$@"; do found=$(grep -F -- "$text" <<<"$found"); done
    [ -n "$found" ] && [ "$(wc -l <<<"$found")" = 1 ]
}
# lease_manifest POD OWNER REPORT_FILE: the heartbeat of POD, owned by pod OWNER, as an administrator could write it.
lease_manifest() {
    jq -n --arg ns "$NS" --arg pod "$1" --arg owner "$2" --arg uid "$(uid_of "$2")" --rawfile report "$3" \
        --arg now "$(date -u +%Y-%m-%dT%H:%M:%S.000000Z)" '
    {apiVersion: "coordination.k8s.io/v1", kind: "Lease",
     metadata: {name: "proget-\($pod)", namespace: $ns, labels: {"app.kubernetes.io/managed-by": "proget-sidecar"},
                annotations: {"proget-operator.io/report": $report},
                ownerReferences: [{apiVersion: "v1", kind: "Pod", name: $owner, uid: $uid}]},
     spec: {holderIdentity: $pod, leaseDurationSeconds: 3600, renewTime: $now}}'
}
lease_write() { # as above
    kubectl -n "$NS" delete lease "proget-$1" --ignore-not-found >/dev/null
    lease_manifest "$@" | kubectl create -f - >/dev/null
}
# unobserved POD: the condition says that its report is of no use, and why.
unobserved() {
    cluster_json | jq -e --arg pod "$1" '.status.conditions[] | select(.type == "Observed") |
        .status == "False" and (.message | contains("report of pod \($pod) (report:"))'
}
# goes_on: what else is wrong is still said, by the same operator.
goes_on() {
    ok "$1: the operator is the same, and was not restarted" "[ '$operator_before' = \"\$(operator_lives)\" ]"
    holds "$1: the other findings stand" "finding PriorityClassMissing proget-0 && finding PriorityClassMissing proget-2"
    holds "$1: it is ready" "kubectl -n proget-operator get pods -o json | jq -e '.items[0].status.containerStatuses[0].ready'"
}
broken='{"v":1,"product":"ProGet","health":{"state":"error","http":500,"database":"Error","databaseDetail":"as reported"}}'
report=$WORLD/report
operator_before=$(operator_lives)

# Without sidecars, so that nobody repairs what an administrator writes.
REPLICAS=3 SIDECAR=no PRIORITY='' INTERVAL=600 servers_apply
for pod in proget-0 proget-1 proget-2; do
    wait_for 60 running "$pod"
    WITHIN=60 ok "$pod has its finding" finding PriorityClassMissing "$pod"
done
printf %s "$broken" >"$report"
lease_write proget-0 proget-0 "$report"
ok "a Lease so written is read" finding HealthError proget-0

# --- no JSON ---
mark=$(log_lines)
printf %s 'this is <no> JSON at all' >"$report"
lease_write proget-0 proget-0 "$report"
WITHIN=60 ok "no JSON: the condition Observed names the pod and why" unobserved proget-0
holds "no JSON: what was said before stands, for it disproves nothing" finding HealthError proget-0
ok "no JSON: the log names it" named_once "$mark" "$NS" proget-0 report
goes_on "no JSON"

# --- JSON that is cut, of another shape, of another version ---
for text in '{"v":1,"health":{"state":"er' '{"v":1,"health":[]}' '{"v":2}' '[[[[[[[[' 'null' ''; do
    printf %s "$text" >"$report"
    lease_write proget-0 proget-0 "$report"
done
printf %s "$broken" >"$report"
lease_write proget-2 proget-2 "$report"
ok "what comes behind all that is read" finding HealthError proget-2
goes_on "other shapes"

# --- as much as the API server takes: 256 KiB of annotations, names and values together ---
mark=$(log_lines)
room=$((256 * 1024 - 25)) # but for the name proget-operator.io/report
head -c "$room" /dev/zero | tr '\0' '[' >"$report"
holds "256 KiB: the report fills them" lease_write proget-1 proget-1 "$report"
WITHIN=60 ok "256 KiB: the condition Observed names the pod" unobserved proget-1
ok "256 KiB: the log names it" named_once "$mark" "$NS" proget-1 report
goes_on "256 KiB"
kubectl -n "$NS" delete lease proget-proget-1 >/dev/null
printf x >>"$report"
holds "256 KiB and one: the API server takes no more" "! lease_write proget-1 proget-1 '$report'"
holds "1 MiB: nor that" "head -c 1048576 /dev/zero | tr '\\0' '[' >'$report' && ! lease_write proget-1 proget-1 '$report'"

# --- a report that speaks for another pod ---
printf %s '{"v":1,"health":{"state":"ok","http":200}}' >"$report"
for pod in proget-0 proget-1 proget-2; do lease_write "$pod" "$pod" "$report"; done
WITHIN=60 ok "good reports disprove what stood" no_finding HealthError
kubectl -n "$NS" delete lease proget-proget-1 proget-proget-2 >/dev/null
WITHIN=60 ok "without its Lease proget-2 is in no error" no_finding HealthError
mark=$(log_lines)
printf %s "$broken" >"$report"
lease_write proget-1 proget-2 "$report"
lease_write proget-9 proget-2 "$report"
# Events of one watch come in their order: once this one has arrived, those have.
lease_write proget-0 proget-0 "$report"
ok "behind them, proget-0's own is read" finding HealthError proget-0
holds "another's report accuses neither the one named nor the owner" "cluster_json | jq -e '[.status.findings[] |
    select(.code == \"HealthError\" and .cleared == null).object.name] == [\"proget-0\"]'"
holds "nor does it count as a heartbeat" "cluster_json | jq -e '[.status.members[] | select(.name != \"proget-0\") | .heartbeat] | all(. == \"Unknown\")'"
ok "another's report: the log names it" named_once "$mark" "$NS" proget-proget-1
goes_on "another's report"

# --- a ProGetCluster with the worst that its schema lets through ---
long() { printf "%0.s$1" $(seq "$2"); }
forged=$'\n2001-01-01T00:00:00.000Z error a forged line\r\x1b[31mred\x07 \xe2\x80\xae %s%n%n "quoted\\ {}<script>'
kubectl -n "$NS" create deployment hostile --image=registry.example.com/hostile:1 >/dev/null
mark=$(log_lines)
jq -n --arg ns "$NS" --arg forged "$forged" --arg a63 "$(long a 63)" --arg a253 "$(long a 253)" --arg a900 "$(long x 900)" '
    {apiVersion: "proget-operator.io/v1alpha1", kind: "ProGetCluster", metadata: {name: $a253, namespace: $ns},
     spec: {product: "Otter", servers: 256, container: $a63,
            selector: {matchExpressions: [{key: "app", operator: "In", values: ["hostile", $forged[0:60], "", $a63]},
                                          {key: ($forged + $a253)[0:317], operator: "DoesNotExist"},
                                          {key: "//", operator: "NotIn", values: [range(64) | "\(.)%s"]}]},
            heartbeat: {intervalSeconds: 3600, staleAfterSeconds: 86400, webStaleAfterHours: 8760},
            activation: {internetAccess: "Allowed", host: ($a253 + ":99999")}, licence: {maxServers: 1},
            placement: {topologyKey: ($a253 + "/" + $a63)}, messenger: {port: 1},
            ignore: [range(64) | {code: "Code\(.)", reason: ($forged + $a900)}],
            severity: [{code: "NoSuchCode", severity: "error"}, {code: "ClusterEmpty", severity: "info"}],
            maintenance: {until: "9999-12-31T23:59:59Z", reason: ($forged + $a900)}}}' >"$report"
holds "hostile: the schema lets it through" kubectl apply -f "$report"
hostile_says() { kubectl -n "$NS" get progetcluster "$(long a 253)" -o json | jq -e "$1"; }
WITHIN=60 ok "hostile: it is watched like any other" hostile_says '.status.servers == 1 and .status.observedGeneration == .metadata.generation'
ok "hostile: its findings are in its status" hostile_says '.status.findings | length > 0'
WITHIN=60 ok "hostile: its pod is annotated with the maintenance" "kubectl -n $NS get pods -l app=hostile -o json |
    jq -e '.items[0].metadata.annotations[\"proget-operator.io/maintenance\"] | startswith(\"until 9999-12-31\")'"
holds "hostile: it forges no line of the log" "! log_since $mark | grep -E '^2001-01-01'"
holds "hostile: the log holds no control characters" "! log_since $mark | grep -P '[\\x00-\\x08\\x0b-\\x1f\\x7f]'"
holds "hostile: nothing of it is refused again and again" "[ \$(log_since $mark | grep -c 'cannot write yet') = 0 ]"
goes_on hostile
kubectl -n "$NS" delete -f "$report" >/dev/null

# --- the API server refuses what would be worse ---
for patch in '{"spec":{"selector":null}}' '{"spec":{"selector":{"matchLabels":null}}}' '{"spec":{"heartbeat":{"intervalSeconds":0}}}' \
    '{"spec":{"heartbeat":{"intervalSeconds":600,"staleAfterSeconds":600}}}' '{"spec":{"product":"Other"}}' '{"spec":{"servers":257}}' \
    '{"spec":{"activation":{"host":"a/b"}}}' '{"spec":{"messenger":{"port":65536}}}' '{"spec":{"placement":{"topologyKey":"a b"}}}'; do
    holds "refused: $patch" "! kubectl -n $NS patch progetcluster main --type=merge -p '$patch'"
done
goes_on "refused"

# --- started with what cannot work ---
# shellcheck disable=SC2154 # root is of world.sh
program=$root/build/$WORLD_PRESET/operator/proget-operator
# cannot_run WHAT KUBECONFIG TEXT...: exit status 2 at once, and a message with these texts.
cannot_run() {
    local what=$1 kubeconfig=$2 status=0 port said text
    shift 2
    read -r port _ <<<"$(cluster_free_ports 1)"
    said=$(timeout 30 "$program" --kubeconfig="$kubeconfig" --listen="127.0.0.1:$port" 2>&1) || status=$?
    holds "$what: exit status 2 (it was $status)" "[ $status = 2 ]"
    for text in "$@"; do holds "$what: the message names $text" grep -qF -- "$text" <(printf '%s' "$said"); done
    holds "$what: in few lines" "[ $(wc -l <<<"$said") -le 3 ]"
    printf '%s\n' "$said" | tail -n 3 | sed 's/^/      /'
}
config=$WORLD/broken.kubeconfig
cannot_run "no such kubeconfig" "$WORLD/nowhere" "$WORLD/nowhere"
printf 'clusters: [\n\tnot yaml' >"$config"
cannot_run "a kubeconfig that is no YAML" "$config" "$config"
printf '' >"$config"
cannot_run "an empty kubeconfig" "$config" "$config"
kubectl config view --raw -o json | jq '."current-context" = "elsewhere"' >"$config"
cannot_run "a kubeconfig without its current context" "$config" elsewhere
kubectl config view --raw -o json | jq '.clusters[0].cluster |= (del(."certificate-authority") | ."certificate-authority-data" = "bm8gY2VydGlmaWNhdGU=")' >"$config"
cannot_run "a kubeconfig whose CA is no certificate" "$config" certificate
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=another -keyout "$WORLD/other.key" -out "$WORLD/other.crt" 2>/dev/null
kubectl config view --raw -o json | jq --arg ca "$(base64 -w0 "$WORLD/other.crt")" \
    '.clusters[0].cluster |= (del(."certificate-authority") | ."certificate-authority-data" = $ca)' >"$config"
# That one may be mended while it waits, as an API server that is away may come back: it says so once, and goes on.
said=$WORLD/other-ca.log
read -r port _ <<<"$(cluster_free_ports 1)"
"$program" --kubeconfig="$config" --listen="127.0.0.1:$port" >"$said" 2>&1 </dev/null &
pid=$!
ok "another CA: the message names the certificate" grep -qF -- "certificate" "$said"
holds "another CA: and the server" grep -qF -- "$(kubectl config view --raw -o json | jq -r '.clusters[0].cluster.server')" "$said"
ok "another CA: it is not ready" "curl -s http://127.0.0.1:$port/readyz | grep -q 'not yet'"
kill -TERM "$pid"
status=0
wait "$pid" || status=$?
holds "another CA: it ends on SIGTERM with 0 (it was $status)" "[ $status = 0 ]"
holds "another CA: in few lines ($(wc -l <"$said"))" "[ $(wc -l <"$said") -le 12 ]"
sed 's/^/      /' "$said"
rm -f "$config" "$WORLD/other.key" "$WORLD/other.crt" "$report" "$said"
