# What Prometheus sees of a running operator: a finding while it stands and after it has cleared, the servers, the one
# that leads and the one that stands by.
# shellcheck shell=bash
metrics_of() { # POD: the whole text; fails where there is none
    curl -fsS --max-time 10 "http://$(kubectl -n proget-operator get pod "$1" -o jsonpath='{.status.podIP}'):$WORLD_OPERATOR_PORT/metrics"
}
metrics() { metrics_of "$(operator_leader)"; }
# metric SERIES VALUE [POD]: that very sample, of the leader where no pod is named. VALUE may be a test for awk: '> 3'.
metric() {
    local text test=$2
    text=$(if [ $# -gt 2 ]; then metrics_of "$3"; else metrics; fi) || return 1
    [[ $test == [0-9]* ]] && test="== $test"
    SERIES=$1 awk 'BEGIN { series = ENVIRON["SERIES"] " "; found = 1 }
        substr($0, 1, length(series)) == series && substr($0, length(series) + 1) + 0 '"$test"' { found = 0 }
        END { exit found }' <<<"$text"
}
no_metric() { # PREFIX [POD]: there is a scrape, and no such sample in it
    local text
    text=$(if [ $# -gt 1 ]; then metrics_of "$2"; else metrics; fi) || return 1
    grep -q '^proget_operator_build_info' <<<"$text" && ! grep -qF -- "$1" <<<"$text"
}
metrics_standby() { # the other operator's pod
    kubectl -n proget-operator get pods -l app.kubernetes.io/name=proget-operator --field-selector=status.phase=Running -o name |
        sed 's|^pod/||' | grep -vxF -- "$(operator_leader)" | head -n 1
}
metrics_fresh() { # POD...
    local pod
    for pod in "$@"; do metric "proget_heartbeat_state{$of_main,pod=\"$pod\",state=\"Fresh\"}" 1 || return 1; done
}
of_main="namespace=\"$NS\",progetcluster=\"main\""

wait_for 60 operator_leads
servers_apply
for pod in proget-0 proget-1 proget-2; do wait_for 60 running "$pod"; done
activate_all
WITHIN=60 ok "three servers are healthy" healthy 3
ok "live, healthy, intended" "metric 'proget_servers_live{$of_main}' 3 && metric 'proget_servers_healthy{$of_main}' 3 &&
    metric 'proget_servers_intended{$of_main}' 3 && metric 'proget_servers_gone{$of_main}' 0"
ok "every heartbeat is fresh" metrics_fresh proget-0 proget-1 proget-2
ok "and young" "metric 'proget_heartbeat_age_seconds{$of_main,pod=\"proget-0\"}' '< 10'"
ok "no error stands" "metric 'proget_findings_by_severity{$of_main,severity=\"error\"}' 0"
holds "no finding of health" no_metric "proget_findings{$of_main,code=\"HealthError\""

# --- while a finding stands ---
simulate proget-0 '{"database":"Error","databaseDetail":"connection refused by db:5432"}'
WITHIN=60 ok "a finding that stands is counted" metric "proget_findings{$of_main,code=\"HealthError\",severity=\"error\"}" 1
ok "by severity too" metric "proget_findings_by_severity{$of_main,severity=\"error\"}" 1
ok "two servers are healthy" metric "proget_servers_healthy{$of_main}" 2
WITHIN=60 ok "what it had to say was said" "event HealthError proget-0 Warning 1 && metric 'proget_operator_writes_pending{target=\"event\"}' 0"
ok "Events were counted" metric 'proget_operator_writes_total{target="event",outcome="written"}' '> 0'
ok "and statuses" metric 'proget_operator_writes_total{target="status",outcome="written"}' '> 0'

# --- left out ---
kubectl -n "$NS" patch progetcluster main --type=merge -p '{"spec":{"ignore":[{"code":"HealthError","reason":"being mended"}]}}' >/dev/null
WITHIN=60 ok "what is left out is counted apart" metric "proget_findings_suppressed{$of_main,code=\"HealthError\",severity=\"error\"}" 1
ok "and no longer as a finding" no_metric "proget_findings{$of_main,code=\"HealthError\""
kubectl -n "$NS" patch progetcluster main --type=merge -p '{"spec":{"ignore":null}}' >/dev/null
WITHIN=60 ok "it stands again" metric "proget_findings{$of_main,code=\"HealthError\",severity=\"error\"}" 1

# --- after it has cleared ---
simulate proget-0 '{"database":"OK","databaseDetail":null}'
WITHIN=60 ok "after it has cleared there is no such sample" no_metric "proget_findings{$of_main,code=\"HealthError\""
ok "and no error" metric "proget_findings_by_severity{$of_main,severity=\"error\"}" 0
ok "three servers are healthy again" metric "proget_servers_healthy{$of_main}" 3

# --- an eviction ---
holds "no eviction so far, and every cause is there" metric "proget_evictions_total{$of_main,cause=\"Api\"}" 0
kubectl -n "$NS" get pod proget-1 -o json | jq '{apiVersion: "policy/v1", kind: "Eviction", metadata: {name: .metadata.name, namespace: .metadata.namespace}}' |
    kubectl create --raw "/api/v1/namespaces/$NS/pods/proget-1/eviction" -f - >/dev/null
WITHIN=60 ok "an eviction is counted by its cause" metric "proget_evictions_total{$of_main,cause=\"Api\"}" 1
ok "with its time" metric "proget_last_eviction_timestamp_seconds{$of_main,cause=\"Api\"}" '> 1700000000'

# --- the operators ---
metrics_leader=$(operator_leader) standby=$(metrics_standby)
ok "one leads" metric proget_operator_leader 1 "$metrics_leader"
ok "it has begun to lead" metric proget_operator_leader_changes_total '>= 1' "$metrics_leader"
ok "the other stands by" metric proget_operator_leader 0 "$standby"
ok "and tells nothing of the clusters" no_metric 'proget_servers_live' "$standby"
ok "its watches are in step all the same" metric 'proget_operator_watch_state{resource="pods",selector="",state="synced"}' 1 "$standby"
ok "a watch shows signs of life" metric 'proget_operator_watch_lag_seconds{resource="leases.coordination.k8s.io",selector=""}' '< 120'
ok "the API server answers" metric proget_operator_api_up 1
ok "its answers are counted" metric 'proget_operator_api_requests_total{verb="APPLY",code="200"}' '> 0'
ok "evaluations are counted, and their time" "metric proget_operator_evaluations_total '> 0' && metric proget_operator_evaluation_seconds_total '> 0'"
ok "what the process takes" "metric process_resident_memory_bytes '> 1000000' && metric process_open_fds '> 3' && metric process_cpu_seconds_total '> 0'"
ok "it started in this year or later" metric process_start_time_seconds '> 1767225600'
ok "nothing is left out" metric proget_operator_metrics_left_out 0
holds "content type" "curl -fsSI 'http://$(kubectl -n proget-operator get pod "$metrics_leader" -o jsonpath='{.status.podIP}'):$WORLD_OPERATOR_PORT/metrics' |
    tr -d '\r' | grep -qix 'content-type: text/plain; version=0.0.4; charset=utf-8'"
holds "no series comes twice" "! metrics | grep -v '^#' | sed 's/ [^ ]*\$//' | sort | uniq -d | grep ."
holds "each sample has its TYPE" "metrics | awk '/^# TYPE/ { known[\$3] = 1 } !/^#/ { sub(/[{ ].*/, \"\"); if (!known[\$0]) { print; bad = 1 } } END { exit bad }'"
holds "no key, fingerprint or token is in it" "! metrics | grep -iE 'hmac|0f1e2d3c|Host=|eyJ|sha256'"
holds "the server is as healthy as it says" "[ \"\$(curl -s 'http://$(kubectl -n proget-operator get pod "$metrics_leader" -o jsonpath='{.status.podIP}'):$WORLD_OPERATOR_PORT/healthz')\" = ok ]"
unset of_main metrics_leader standby
