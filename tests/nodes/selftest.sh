#!/usr/bin/env bash
# Tests process-nodes and simulated-proget against a real control plane. Prints "N passed, M failed".
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cluster=$here/../cluster
# shellcheck source=tests/cluster/lib.sh
. "$cluster/lib.sh"
cluster_needs jq curl || exit 2

work=$(mktemp -d)
passed=0
failed=0
nodes_pid=
finish() {
    local status=$?
    if [ -n "$nodes_pid" ]; then
        kill -TERM "$nodes_pid" 2>/dev/null || true
        wait "$nodes_pid" 2>/dev/null || true
    fi
    "$cluster/stop.sh" "$work/cluster" || true
    if [ "$failed" -eq 0 ] && [ "$status" -eq 0 ]; then
        rm -rf "$work"
    else
        cluster_say "state and logs are kept in $work"
    fi
}
trap finish EXIT

# check NAME COMMAND...: one test; the command is evaluated and tried for up to 15 seconds.
check() {
    local title=$1
    shift
    if wait_for "${LIMIT:-15}" "$@"; then
        passed=$((passed + 1))
        printf 'ok    %s\n' "$title"
    else
        failed=$((failed + 1))
        printf 'FAIL  %s\n' "$title"
    fi
}

programs=$("$here/build.sh")
"$cluster/start.sh" "$work/cluster"
# shellcheck disable=SC1091
. "$work/cluster/env"
kube() { "$ASSETS/kubectl" "$@"; }
ctl() { "$programs/process-nodes" ctl --control "$work/control" "$@"; }
# pod FILTER: a jq filter over the only server's pod.
pod() { kube get pods -l app=proget -o json | jq -er ".items[0] | $1"; }
# container NAME FILTER: the same over a container of `list`.
container() { ctl list | jq -er --arg name "$1" '.[] | select(.name | startswith("proget-")) | .containers[] | select(.name == $name) | '"$2"; }

# The sidecar's stand-in: shows what it was given, then what its files say, and runs until it is told to stop.
cat >"$work/sidecar.sh" <<'END'
#!/bin/sh
trap 'echo stopped; exit 0' TERM
account=/var/run/secrets/kubernetes.io/serviceaccount
echo "url=$PROGET_SIDECAR_URL pod=$POD_NAME uid=$POD_UID key=$PROGET_ENCRYPTION_KEY label=$LABEL twice=$TWICE limit=$LIMIT"
echo "cpu=$(grep -m1 '^model	' /proc/cpuinfo | tr -d '\t ') pid=$$ host=$(hostname)"
curl -s --cacert $account/ca.crt -H "Authorization: Bearer $(cat $account/token)" -H 'Content-Type: application/json' \
    -d '{"apiVersion":"authentication.k8s.io/v1","kind":"SelfSubjectReview"}' \
    "https://$KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT/apis/authentication.k8s.io/v1/selfsubjectreviews" |
    jq -c '{whoami: .status.userInfo.extra["authentication.kubernetes.io/pod-name"][0]}'
touch /brand/new/file && echo writable
last=
while :; do
    now=$(cat /etc/proget-test/missing-before/key)
    [ "$now" = "$last" ] || echo "file=$now"
    last=$now
    read -r _ </brand/new/pipe & wait $!
done
END
cat >"$work/tick.sh" <<'END'
#!/bin/sh
# An init container's stand-in: prepares the shared folder and ends.
mkfifo /brand/new/pipe && echo prepared
END
chmod +x "$work"/*.sh
cat >"$work/nodes.yaml" <<'END'
nodes:
- name: node-a
  labels: {topology.kubernetes.io/zone: one}
  cpu: {vendor: GenuineIntel, family: 6, model: 106, stepping: 6}
- name: node-b
  cpu: {vendor: AuthenticAMD, family: 25, model: 1, stepping: 1}
END
mkdir "$work/activations"
"$programs/process-nodes" --kubeconfig "$work/cluster/nodes.kubeconfig" --nodes "$work/nodes.yaml" --state "$work/nodes" \
    --control "$work/control" --activations "$work/activations" --programs "*/proget-sidecar=$work/sidecar.sh" \
    --programs tools/shell=command --programs "*/prepare=$work/tick.sh" --programs "*/proget=$programs/simulated-proget" >"$work/nodes.log" 2>&1 &
nodes_pid=$!
LIMIT=3 check "two nodes are Ready within 3 s" "[ \"\$(kube get nodes -o json | jq '[.items[] | select(.status.conditions[] | select(.type == \"Ready\" and .status == \"True\"))] | length')\" = 2 ]"

kube create secret generic proget-key --from-literal=key=00112233445566778899aabbccddeeff >/dev/null
kube apply -f - >/dev/null <<'END'
apiVersion: apps/v1
kind: Deployment
metadata: {name: proget}
spec:
  replicas: 1
  strategy: {type: Recreate}
  selector: {matchLabels: {app: proget}}
  template:
    metadata: {labels: {app: proget}}
    spec:
      terminationGracePeriodSeconds: 5
      initContainers:
      - name: prepare
        image: example.com/prepare:1
        resources: {limits: {cpu: 10m, memory: 16Mi}}
        volumeMounts: [{name: scratch, mountPath: /brand/new}]
      - name: proget-sidecar
        image: example.com/proget-sidecar:1
        restartPolicy: Always
        env:
        - {name: POD_NAME, valueFrom: {fieldRef: {fieldPath: metadata.name}}}
        - {name: POD_UID, valueFrom: {fieldRef: {fieldPath: metadata.uid}}}
        - {name: LABEL, valueFrom: {fieldRef: {fieldPath: "metadata.labels['app']"}}}
        - {name: TWICE, value: "$(LABEL)-$(POD_NAME)-$$(X)"}
        - {name: LIMIT, valueFrom: {resourceFieldRef: {resource: limits.cpu, divisor: 1m}}}
        - {name: PROGET_ENCRYPTION_KEY, valueFrom: {secretKeyRef: {name: proget-key, key: key}}}
        resources: {limits: {cpu: 10m, memory: 16Mi}}
        volumeMounts:
        - {name: scratch, mountPath: /brand/new}
        - {name: key, mountPath: /etc/proget-test/missing-before}
      containers:
      - name: proget
        image: proget.inedo.com/productimages/inedo/proget:25.0.13
        env: [{name: PROGET_ENCRYPTION_KEY, valueFrom: {secretKeyRef: {name: proget-key, key: key}}}]
        resources: {limits: {cpu: 100m, memory: 64Mi}}
        ports: [{name: http, containerPort: 80}]
        readinessProbe: {httpGet: {path: /, port: http}, periodSeconds: 1}
        livenessProbe: {httpGet: {path: /health, port: http}, periodSeconds: 1, failureThreshold: 3}
      volumes:
      - {name: scratch, emptyDir: {}}
      - {name: key, secret: {secretName: proget-key}}
END
check "pod is Running and Ready, 2/2" "pod 'select(.status.phase == \"Running\") | .status.conditions[] | select(.type == \"Ready\" and .status == \"True\")'"
check "init container is Completed, sidecar started" "pod '.status.initContainerStatuses | select(.[0].state.terminated.reason == \"Completed\" and .[1].started and .[1].ready)'"
check "class is Guaranteed, start time and addresses are there" "pod '.status | select(.qosClass == \"Guaranteed\" and .startTime and .hostIP and (.podIP | startswith(\"127.\")))'"
log=$(container proget-sidecar .log)
address=$(pod .status.podIP)
url=$(ctl list | jq -r '.[0].url')
name=$(pod .metadata.name)
check "variables: fieldRef, expansion, resourceFieldRef" "grep -q \"pod=$name uid=$(pod .metadata.uid) .*label=proget twice=proget-$name-[$](X) limit=10\" '$log'"
check "variable from a Secret" "grep -q 'key=00112233445566778899aabbccddeeff' '$log'"
check "the sidecar is told its own pod's ProGet" "grep -q 'url=$url pod' '$log'"
check "cpuinfo, process namespace and host name are the pod's own" "grep -qE 'cpu=model:(106|1) pid=1 host=$name' '$log'"
check "projected token: the API server knows the pod" "grep -q '\"whoami\":\"$name\"' '$log'"
check "mount points that do not exist here; emptyDir is writable" "grep -q writable '$log' && [ ! -e /brand ] && [ ! -e /etc/proget-test ]"
check "Secret as a file" "grep -q file=00112233445566778899aabbccddeeff '$log'"

kube create secret generic proget-key --from-literal=key=ffeeddccbbaa99887766554433221100 --dry-run=client -o yaml | kube apply -f - >/dev/null 2>&1
pipe=$work/nodes/pods/$(pod .metadata.uid)/volumes/scratch/pipe
check "changed Secret reaches the file, not the variable" ": <>'$pipe'; timeout 1 sh -c 'echo >\"$pipe\"'; grep -q file=ffeeddccbbaa99887766554433221100 '$log' && [ \"\$(grep -c ^url= '$log')\" = 1 ]"

check "health: this machine is not activated" "curl -s $url/health | jq -e '.licenseStatus == \"Error\" and (.licenseStatusDetail | test(\"activation\"))'"
curl -s -X PUT -d '{"activate":true}' "$url/simulate" >/dev/null
check "health: activated, 200, version from the image" "curl -sf $url/health | jq -e '.licenseStatus == \"OK\" and .releaseNumber == \"25.0.13\" and .versionNumber == \"2025.13 (Build 2)\"'"
check "the messenger's port" "(exec 3<>/dev/tcp/$address/33237)"
for mode in cut garbage html; do
    curl -s -X PUT -d "{\"mode\":\"$mode\"}" "$url/simulate" >/dev/null
    check "fault: $mode" "! curl -sf $url/health | jq -e .applicationName"
done
curl -s -X PUT -d '{"mode":"ok"}' "$url/simulate" >/dev/null
refusal=$(PROGET_ENCRYPTION_KEY=1 PROGET_ENCRYPTION_KEY_FILE=/dev/null "$programs/simulated-proget" 2>&1 || printf ' status %d' $?)
check "key and _FILE together are refused" "[[ '$refusal' == *'both set'*'status 1' ]]"

restarts() { pod ".status.$1[] | select(.name == \"$2\") | .restartCount"; }
before=$(restarts containerStatuses proget)
ctl crash "default/$name" proget >/dev/null
check "crash: counted, with its exit code; runs again" "pod '.status.containerStatuses[0] | select(.restartCount == $before + 1 and .lastState.terminated.exitCode == 137 and .state.running)'"
curl -s -X PUT -d '{"mode":"500"}' "$url/simulate" >/dev/null
check "liveness probe restarts the container" "[ \$(restarts containerStatuses proget) -ge $((before + 2)) ]"
check "events tell: Unhealthy, Killing" "kube get events -o json | jq -e '([.items[].reason] | index(\"Unhealthy\")) and ([.items[] | select(.message | test(\"failed liveness probe, will be restarted\"))] | length > 0)'"
before=$(restarts initContainerStatuses proget-sidecar)
ctl crash "default/$name" proget-sidecar oom >/dev/null
check "sidecar crash: OOMKilled, restarted" "pod '.status.initContainerStatuses[1] | select(.restartCount == $before + 1 and .lastState.terminated.reason == \"OOMKilled\" and .state.running)'"

node=$(pod .spec.nodeName)
ctl evict "default/$name" memory >/dev/null
victim() { kube get pod "$name" -o json | jq -e "$1"; }
check "eviction: the kubelet's form in the status" "victim '.status | .phase == \"Failed\" and .reason == \"Evicted\" and (.message | startswith(\"The node was low on resource: memory. Threshold quantity: 100Mi, available: \"))'"
check "eviction: DisruptionTarget, no deletionTimestamp" "victim '.metadata.deletionTimestamp == null and (.status.conditions[] | select(.type == \"DisruptionTarget\") | .reason == \"TerminationByKubelet\")'"
check "eviction: the sidecar's lost status" "victim '.status.initContainerStatuses[1] | .state.waiting.reason == \"PodInitializing\" and .lastState.terminated.reason == \"ContainerStatusUnknown\"'"
check "eviction: main container's real exit code, Ready False" "victim '.status | .containerStatuses[0].state.terminated.exitCode == 0 and (.conditions[] | select(.type == \"Ready\") | .status == \"False\" and .reason == \"PodFailed\")'"
check "eviction: the Event" "kube get events --field-selector reason=Evicted,type=Warning,involvedObject.name=$name -o json | jq -e '.items[0].metadata.annotations.starved_resource == \"memory\"'"
kube delete pod "$name" --wait=false >/dev/null
check "the evicted pod can be deleted" "! kube get pod $name"

check "a new pod took its place" "pod 'select(.status.phase == \"Running\")'"
name=$(pod .metadata.name)
check "its process runs" "[ \$(container proget .pid) -gt 0 ] && [ -d /proc/\$(container proget .pid) ]"
pid=$(container proget .pid)
log=$(container proget-sidecar .log)
check "its sidecar has begun" "grep -q ^file= '$log'"
ctl evict "default/$name" emptydir >/dev/null
check "emptyDir limit: Evicted without DisruptionTarget" "kube get pod $name -o json | jq -e '.status.reason == \"Evicted\" and ([.status.conditions[].type] | index(\"DisruptionTarget\") == null)'"
check "its process is gone" "[ ! -d /proc/$pid ]"
kube delete pod "$name" --wait=false >/dev/null

check "a third pod" "pod 'select(.status.phase == \"Running\" and .metadata.name != \"$name\")'"
name=$(pod .metadata.name)
check "it is listed" "container proget-sidecar .log"
log=$(container proget-sidecar .log)
node=$(pod .spec.nodeName)
pid=$(container proget .pid)
check "its sidecar too has begun" "grep -q ^file= '$log'"
ctl node stop-renewing "$node" >/dev/null
LIMIT=30 check "dead kubelet: the node turns NotReady" "kube get node $node -o json | jq -e '.status.conditions[] | select(.type == \"Ready\" and .status == \"Unknown\")'"
check "its containers run on" "[ -d /proc/$pid ]"
ctl node resume "$node" >/dev/null
check "the kubelet is back" "kube get node $node -o json | jq -e '.status.conditions[] | select(.type == \"Ready\" and .status == \"True\")'"
check "its pod is Ready again" "pod '.status.conditions[] | select(.type == \"Ready\" and .status == \"True\")'"
kube scale deployment proget --replicas=0 >/dev/null
check "deletion: the pod goes, its process too" "! kube get pod $name && [ ! -d /proc/$pid ]"
check "deletion: the sidecar was asked to stop" "grep -q stopped '$log'"
check "the state of deleted pods is removed" "[ -z \"\$(ls -A '$work/nodes/pods')\" ]"

kube apply -f - >/dev/null <<'END'
apiVersion: v1
kind: Pod
metadata: {name: shared}
spec:
  shareProcessNamespace: true
  restartPolicy: Never
  nodeName: node-a
  containers:
  - {name: main, image: tools/shell, command: [sh, -c, "KEY=found exec tail -f /dev/null"]}
  - {name: watcher, image: tools/shell, command: [bash, -c, "until cat /proc/[0-9]*/environ | tr '\\0' '\\n' | grep ^KEY=; do read -rt 1 _; done; ls -d /proc/[0-9]* | wc -l; exit 3"]}
END
check "shared process namespace: the neighbour's environment, nobody else's processes" \
    "kube get pod shared -o json | jq -e '.status.containerStatuses[] | select(.name == \"watcher\" and .state.terminated.exitCode == 3)' && grep -q KEY=found \"\$work\"/nodes/logs/default_shared_*/watcher.log && [ \$(tail -n 1 \"\$work\"/nodes/logs/default_shared_*/watcher.log) -lt 10 ]"
ctl evict default/shared shutdown >/dev/null
check "node shutdown: Failed, Terminated, TerminationByKubelet" "kube get pod shared -o json | jq -e '.status | .phase == \"Failed\" and .reason == \"Terminated\" and (.conditions[] | select(.type == \"DisruptionTarget\") | .reason == \"TerminationByKubelet\")'"
ctl evict default/refused admission >/dev/null
kube run refused --image=tools/shell --restart=Never --overrides='{"spec":{"nodeName":"node-a"}}' --command -- sh -c 'exit 0' >/dev/null
check "admission: Failed, Evicted, no container ever" "kube get pod refused -o json | jq -e '.status | .phase == \"Failed\" and .reason == \"Evicted\" and .containerStatuses == null'"
kube run once --image=tools/shell --restart=Never --overrides='{"spec":{"nodeName":"node-a"}}' --command -- sh -c 'exit 0' >/dev/null
check "a pod that does its work Succeeds" "kube get pod once -o json | jq -e '.status.phase == \"Succeeded\"'"
kube delete pod shared refused once --wait=false >/dev/null

kube create deployment foreign --image=registry.example.com/something:1 --replicas=40 >/dev/null
check "40 foreign pods are Running without a process" "[ \"\$(kube get deployment foreign -o json | jq .status.readyReplicas)\" = 40 ] && [ \"\$(ctl list | jq length)\" = 0 ]"
ctl node set-cpu node-b arm/0x41/8/0x3/0xd0c/1 >/dev/null
check "another CPU" "grep -q 'CPU part	: 0xd0c' '$work/nodes/nodes/node-b/cpuinfo'"
ctl node condition node-b MemoryPressure True >/dev/null
check "node pressure taints the node" "kube get node node-b -o json | jq -e '.spec.taints[] | select(.key == \"node.kubernetes.io/memory-pressure\")'"
ctl node remove node-b >/dev/null
check "a removed node" "! kube get node node-b"
kube run survivor --image=tools/shell --overrides='{"spec":{"nodeName":"node-a"}}' --command -- tail -f /dev/null >/dev/null
check "one more process" "ctl list | jq -e '.[] | select(.name == \"survivor\") | .containers[0].pid'"
pid=$(ctl list | jq -r '.[] | select(.name == "survivor") | .containers[0].pid')
kill -KILL "$nodes_pid"
check "no process outlives process-nodes, however it ends" "[ ! -d /proc/$pid ]"
printf '%d passed, %d failed\n' "$passed" "$failed"
[ "$failed" -eq 0 ]
