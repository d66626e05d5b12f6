# The licence follows the CPU: a server that moves to another one has to activate again, and says so, on a site with and
# without internet access. An own listener stands for the activation host, and tells who called it.
# shellcheck shell=bash

activation_report() { # POD FILTER: of the sidecar's report
    kubectl -n "$NS" get lease "proget-$1" -o json | jq -e ".metadata.annotations[\"proget-operator.io/report\"] | fromjson | $2"
}
activation_setting() { # POD NAME VALUE: as the operator wrote it for the sidecar
    kubectl -n "$NS" get lease "proget-$1" -o json | jq -e --arg name "proget-operator.io/$2" --arg value "$3" '.metadata.annotations[$name] == $value'
}
activation_renewed() { # POD SINCE: its heartbeat is newer
    kubectl -n "$NS" get lease "proget-$1" -o json | jq -e --arg since "$2" '.spec.renewTime > $since'
}
activation_called() { grep -qE 'SSL_accept|ACCEPTED|ERROR' "$WORLD/logs/activation-host.log"; }
activation_not_called() { ! activation_called; }
activation_machines() { # COUNT: machines that are known to be activated
    cluster_json | jq -e --argjson count "$1" '[.status.activations[]? | select(.majorVersion == "2025") | .machine] | unique | length == $count'
}
activation_events() { # how many times we said something about activation
    kubectl -n "$NS" get events.events.k8s.io -o json | jq '[.items[] | select((.reason | test("Activation")) and .action == "Detected")] | length'
}
activation_operator_is_gone() { [ -z "$(kubectl -n proget-operator get pods -o name)" ]; }
activation_move() { # POD NODE: replaces the pod, on that node alone
    local node old
    for node in $(kubectl get nodes -o jsonpath='{.items[*].metadata.name}'); do
        if [ "$node" = "$2" ]; then kubectl uncordon "$node"; else kubectl cordon "$node"; fi
    done >/dev/null
    old=$(uid_of "$1")
    kubectl -n "$NS" delete pod "$1" --wait=false >/dev/null
    wait_for 60 running "$1" "$old"
    for node in node-a node-b node-c node-d; do kubectl uncordon "$node"; done >/dev/null
    for node in node-e node-f; do kubectl cordon "$node"; done >/dev/null
}
activation_fresh() { # POD: the pod that now has the name is a member with a heartbeat and an active licence
    cluster_json | jq -e --arg name "$1" --arg uid "$(uid_of "$1")" \
        '.status.members[]? | select(.name == $name and .uid == $uid and .heartbeat == "Fresh" and .activation == "Active")'
}
activation_host() { # the activation host, which says what it is asked
    local directory=$WORLD/activation-host
    mkdir -p "$directory"
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
        -keyout "$directory/key.pem" -out "$directory/cert.pem" 2>/dev/null
    read -r activation_port activation_closed_port <<<"$(cluster_free_ports 2)"
    cluster_spawn "$WORLD" activation-host timeout 900 openssl s_server -accept "localhost:$activation_port" -www \
        -state -cert "$directory/cert.pem" -key "$directory/key.pem"
    wait_for 20 "grep -q ACCEPT '$WORLD/logs/activation-host.log'"
}

# No CPU is activated at the vendor's yet.
rm -f "$WORLD"/activations/*
kubectl cordon node-e >/dev/null
kubectl cordon node-f >/dev/null
activation_host
public_host=$PUBLIC_HOST

# --- before any settings: the operator is not there yet ---
kubectl -n proget-operator scale deployment/proget-operator --replicas=0 >/dev/null
wait_for 60 activation_operator_is_gone
# shellcheck disable=SC2034 # read by cluster_manifest
{
    ACTIVATION=Blocked
    PUBLIC_HOST=localhost:$activation_port
}
servers_apply
for pod in proget-0 proget-1 proget-2; do
    WITHIN=60 ok "$pod reports without settings" activation_report "$pod" '.health.state == "error"'
    holds "$pod says nothing of the activation host" activation_report "$pod" '.activation.reachable == null'
done
holds "nobody has called the activation host before the settings arrived" activation_not_called

# --- a site without internet access ---
kubectl -n proget-operator scale deployment/proget-operator --replicas=2 >/dev/null
for pod in proget-0 proget-1 proget-2; do
    WITHIN=60 ok "$pod is told that the site is Blocked" activation_setting "$pod" internet-access Blocked
    WITHIN=60 ok "Blocked: ManualActivationRequired on $pod" finding ManualActivationRequired "$pod"
    WITHIN=60 ok "Blocked: ReactivationRequired on $pod" finding ReactivationRequired "$pod"
done
ok "Blocked: condition Activated is False" condition Activated False
now=$(date -u +%Y-%m-%dT%H:%M:%S)
for pod in proget-0 proget-1 proget-2; do
    WITHIN=60 ok "$pod goes on reporting" activation_renewed "$pod" "$now"
    holds "$pod still says nothing of the activation host" activation_report "$pod" '.activation.reachable == null'
done
holds "Blocked: nobody has called the activation host" activation_not_called
simulate proget-0 '{"activate":true}' # one CPU, three servers
for pod in proget-0 proget-1 proget-2; do
    WITHIN=60 ok "activated: ManualActivationRequired on $pod is resolved" resolved ManualActivationRequired "$pod"
    WITHIN=60 ok "activated: ReactivationRequired on $pod is resolved" resolved ReactivationRequired "$pod"
done
ok "one machine is known to be activated" activation_machines 1
ok "condition Activated is True" condition Activated True

# --- a site with internet access: a server moves to another CPU ---
kubectl -n "$NS" patch progetcluster main --type=merge -p '{"spec":{"activation":{"internetAccess":"Auto"}}}' >/dev/null
for pod in proget-0 proget-1 proget-2; do
    WITHIN=60 ok "Auto: $pod reaches the activation host" activation_report "$pod" '.activation.reachable == true'
done
holds "Auto: the activation host was called" activation_called
home=$(node_of proget-2)
activation_move proget-2 node-e
WITHIN=60 ok "another CPU: ReactivationRequired on proget-2" finding ReactivationRequired proget-2
ok "another CPU: said" event ReactivationRequired proget-2 Warning
ok "another CPU: annotated" annotation proget-2 status error
WITHIN=60 ok "another CPU: the host is in reach of proget-2" activation_report proget-2 '.activation.reachable == true'
ok "another CPU: ManualActivationRequired does not stand while the host is in reach" no_finding ManualActivationRequired
holds "another CPU: the others are as they were" "! finding ReactivationRequired proget-0 && ! finding ReactivationRequired proget-1"
holds "another CPU: not activated, not remembered" activation_machines 1

# The host is out of reach: somebody has to do it by hand.
kubectl -n "$NS" patch progetcluster main --type=merge \
    -p "{\"spec\":{\"activation\":{\"host\":\"localhost:$activation_closed_port\"}}}" >/dev/null
WITHIN=60 ok "host out of reach: reported" activation_report proget-2 '.activation.reachable == false'
WITHIN=60 ok "host out of reach: ManualActivationRequired on proget-2" finding ManualActivationRequired proget-2
holds "host out of reach: not on servers that are active" "! finding ManualActivationRequired proget-0 && ! finding ManualActivationRequired proget-1"
simulate proget-2 '{"activate":true}'
WITHIN=60 ok "activated: ReactivationRequired clears" no_finding ReactivationRequired
WITHIN=60 ok "activated: ManualActivationRequired clears" no_finding ManualActivationRequired
ok "activated: condition Activated" condition Activated True
ok "both machines are known to be activated" activation_machines 2

# --- and back: to the first CPU, then once more to the second ---
said=$(activation_events)
activation_move proget-2 "$home"
WITHIN=60 ok "back on the first CPU: active" activation_fresh proget-2
activation_move proget-2 node-f
WITHIN=60 ok "on the second CPU again: active" activation_fresh proget-2
holds "known CPUs: nothing is said" "[ \"\$(activation_events)\" = $said ]"
for code in ReactivationRequired ReactivationExpected ManualActivationRequired; do
    holds "known CPUs: no $code" no_finding "$code"
done

PUBLIC_HOST=$public_host
cluster_stop "$WORLD" activation-host
kubectl uncordon node-e >/dev/null
kubectl uncordon node-f >/dev/null
unset ACTIVATION public_host activation_port activation_closed_port home said code now
