# Two operators, and the one that leads is killed again and again (SIGKILL and SIGTERM in turn) while findings come and
# go: each is said once, and the next leader is there in time. LEADER_KILLS says how often (default 10).
# shellcheck shell=bash

leaders_led() { operator_log | grep -cF 'leading from now on'; } # how often somebody began to lead
leaders_led_since() { [ "$(leaders_led)" -gt "$1" ]; }
leaders_ready() { kubectl -n proget-operator rollout status deployment/proget-operator --timeout=1s; }
leaders_said() { # POD ACTION COUNT
    kubectl -n "$NS" get events.events.k8s.io -o json | jq -e --arg pod "$1" --arg action "$2" --argjson count "$3" \
        '[.items[] | select(.reason == "HealthError" and .regarding.name == $pod and .action == $action)] | length == $count'
}
leaders_holds_one_lease() { # the pod that leads, and another one that stands by
    [ "$(kubectl -n proget-operator get pods -l app.kubernetes.io/name=proget-operator --field-selector=status.phase=Running -o name | wc -l)" -ge 2 ]
}

servers_apply
for pod in proget-0 proget-1 proget-2; do wait_for 60 running "$pod"; done
activate_all
WITHIN=60 ok "three servers are healthy" healthy 3
WITHIN=60 ok "two operators run, one of them leads" "leaders_holds_one_lease && operator_leads"

raised=(0 0 0)
ill=(no no no)
longest_kill_ms=0
longest_term_ms=0
kills=${LEADER_KILLS:-10}
for ((kill = 1; kill <= kills; kill++)); do
    server=$((kill % 3))
    leader=$(operator_pod)
    before=$(leaders_led)
    if [ "${ill[server]}" = no ]; then
        simulate "proget-$server" '{"database":"Error","databaseDetail":"no route"}'
        ill[server]=yes
        raised[server]=$((raised[server] + 1))
    else
        simulate "proget-$server" '{"database":"OK"}'
        ill[server]=no
    fi
    killed_ms=$(cluster_now_ms)
    if ((kill % 2)); then
        nodes crash "proget-operator/$leader" proget-operator >/dev/null
    else
        kubectl -n proget-operator delete pod "$leader" --wait=false >/dev/null
    fi
    WITHIN=40 ok "kill $kill of $kills: somebody leads again" leaders_led_since "$before"
    took_ms=$(($(cluster_now_ms) - killed_ms))
    if ((kill % 2)); then
        ((took_ms <= longest_kill_ms)) || longest_kill_ms=$took_ms
    else
        ((took_ms <= longest_term_ms)) || longest_term_ms=$took_ms
    fi
    WITHIN=60 ok "kill $kill of $kills: what came or went was said, once" leaders_said "proget-$server" \
        "$([ "${ill[server]}" = yes ] && printf Detected || printf Resolved)" \
        "${raised[server]}"
    wait_for 60 leaders_ready
done
printf -- '--    72-leaders: %d kills of the leader; longest until another led: %d ms after SIGKILL, %d ms after SIGTERM\n' \
    "$kills" "$longest_kill_ms" "$longest_term_ms"
for server in 0 1 2; do simulate "proget-$server" '{"database":"OK"}'; done
WITHIN=60 ok "everything is mended" no_finding HealthError
for server in 0 1 2; do
    WITHIN=60 ok "proget-$server: each spell was said once at its beginning" leaders_said "proget-$server" Detected "${raised[server]}"
    WITHIN=60 ok "proget-$server: and once at its end" leaders_said "proget-$server" Resolved "${raised[server]}"
done
holds "no two Events say the same" books_no_twins
unset raised ill longest_kill_ms longest_term_ms kills kill server leader before took_ms
