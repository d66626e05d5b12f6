# A node with ten clusters' worth of trouble: five thousand findings at once (and ten). Each is announced, once; nothing is dropped.
# shellcheck shell=bash

many_clusters=10
many_servers=125 # of four findings each, and one of each cluster: no bound is reached
many_findings=$((many_clusters * (many_servers * 4 + 1)))

# A node that nobody runs, and servers bound to it: they never start, and everything is wrong with them at once.
many_manifests() {
    jq -cn --arg ns "$NS" --argjson clusters "$many_clusters" --argjson servers "$many_servers" '
    range($clusters) as $c | "many-\($c)" as $name |
    {apiVersion: "proget-operator.io/v1alpha1", kind: "ProGetCluster", metadata: {name: $name, namespace: $ns},
     spec: {selector: {matchLabels: {many: $name}},
            ignore: (["NodeNotReady", "ServerPending", "LicenceServerLimit", "DisruptionBudgetMissing", "TopologyUnknown"]
                     | map({code: ., reason: "the four of each server are enough"}))}},
    (range($servers) | {apiVersion: "v1", kind: "Pod", metadata: {name: "\($name)-\(.)", namespace: $ns, labels: {many: $name}},
     spec: {nodeName: "node-many", terminationGracePeriodSeconds: 0, automountServiceAccountToken: false, tolerations: [{operator: "Exists"}],
            containers: [{name: "proget", image: "proget.inedo.com/productimages/inedo/proget:25.0.13",
                          env: [{name: "PROGET_ENCRYPTION_KEY", valueFrom: {secretKeyRef: {name: "key", key: "key"}}},
                                {name: "PROGET_POSTGRES_CONNECTION_STRING", value: "Host=db"}],
                          volumeMounts: [{name: "packages", mountPath: "/var/proget/packages"}]}],
            volumes: [{name: "packages", nfs: {server: "storage.example.com", path: "/packages"}}]}})'
}
many_statuses() { kubectl -n "$NS" get progetclusters -o json; }
many_codes() { # how many findings of each code stand
    many_statuses | jq -c '[.items[].status.findings[]?.code] | group_by(.) | map({(.[0]): length}) | add // {}'
}
many_are_listed() { many_statuses | jq -e --argjson n "$many_findings" '[.items[].status.findings[]?] | length == $n'; }
many_are_announced() { many_statuses | jq -e --argjson n "$many_findings" '[.items[].status.findings[]? | select(.announced)] | length == $n'; }
# many_events FILE: code, object and time of each Event that says that something was found
many_events() {
    kubectl -n "$NS" get events.events.k8s.io --chunk-size=500 -o json |
        jq -r '.items[] | select(.reportingController == "proget-operator.io/operator" and .action == "Detected") | [.reason, .regarding.uid] | @tsv' | sort >"$1"
}

namespace_make
kubectl apply -f - >/dev/null <<<'{"apiVersion": "v1", "kind": "Node", "metadata": {"name": "node-many"}}'
# While they are made nobody watches: with each pod that comes, CoScheduled is another finding.
kubectl -n proget-operator scale deployment/proget-operator --replicas=0 >/dev/null
wait_for 60 "[ -z \"\$(kubectl -n proget-operator get pods -o name)\" ]"
many_manifests | kubectl create -f - >/dev/null
many_started_ms=$(cluster_now_ms)
kubectl -n proget-operator scale deployment/proget-operator --replicas=2 >/dev/null
WITHIN=300 ok "all $many_findings findings are listed in the statuses" many_are_listed
WITHIN=300 ok "all of them are announced" many_are_announced
printf -- '--    many: %s; announced within %d ms\n' "$(many_codes)" "$(($(cluster_now_ms) - many_started_ms))"
many_events "$WORLD/logs/many-events"
holds "one Event for each" "[ \"\$(wc -l <\"\$WORLD/logs/many-events\")\" = $many_findings ]"
holds "and no two say the same" "[ -z \"\$(uniq -d <\"\$WORLD/logs/many-events\")\" ]"
unset many_clusters many_servers many_findings many_started_ms
