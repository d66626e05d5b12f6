#!/usr/bin/env bash
# Tests the fault proxy against a real control plane, each fault with curl as the client. Ends with "N passed, M failed".
# shellcheck disable=SC2016,SC2034 # conditions are text that wait_for evaluates
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cluster=$here/../cluster
# shellcheck source=tests/cluster/lib.sh
. "$cluster/lib.sh"
# shellcheck source=tests/faults/lib.sh
. "$here/lib.sh"
cluster_needs jq curl openssl || exit 2

work=$(mktemp -d)
passed=0
failed=0
finish() {
    local status=$?
    faults_stop faults 2>/dev/null || true
    faults_stop shadow 2>/dev/null || true
    "$cluster/stop.sh" "$work/cluster" || true
    if [ "$failed" -eq 0 ] && [ "$status" -eq 0 ]; then
        rm -rf "$work"
    else
        cluster_say "state and logs are kept in $work"
    fi
}
trap finish EXIT

# check NAME COMMAND...: one test; the command is evaluated and tried for up to 5 seconds.
check() {
    local title=$1
    shift
    if wait_for "${LIMIT:-5}" "$@"; then
        passed=$((passed + 1))
        printf 'ok    %s\n' "$title"
    else
        failed=$((failed + 1))
        printf 'FAIL  %s (exit %s, status %s, body: %s)\n' "$title" "${call_exit:-}" "${call_status:-}" \
            "$(head -c 200 "$work/body" 2>/dev/null | tr -d '\0')"
    fi
}

own_tests=$( (cd "$here" && CGO_ENABLED=0 GOFLAGS=-buildvcs=false go test -trimpath ./proxy 2>&1) || true)
check "its own tests of the wire" '[[ $own_tests == ok* ]]'
[[ $own_tests == ok* ]] || printf '%s\n' "$own_tests"

"$cluster/start.sh" "$work/cluster"
# shellcheck disable=SC1091
. "$work/cluster/env"
kube() { "$ASSETS/kubectl" "$@"; }
faults_start "$work/cluster" faults --seed 7
direct=$SERVER
kube create serviceaccount tester >/dev/null
kube create clusterrolebinding tester --clusterrole=cluster-admin --serviceaccount=default:tester >/dev/null
kube create token tester >"$work/token"
maps=/api/v1/namespaces/default/configmaps
kube create configmap one --from-literal=a=b >/dev/null

# curl_it URL OPTION...: with the token, HTTP/2 and the authority.
curl_it() { curl -s --http2 --cacert "$CA" -H "Authorization: Bearer ${token:-$(cat "$work/token")}" "$@"; }
# call PATH OPTION...: one request through the proxy; sets call_exit, call_status, call_head_ms; body in $work/body.
call() {
    local out path=$1
    shift
    call_exit=0
    : >"$work/body"
    out=$(curl_it --max-time 5 -D "$work/head" -o "$work/body" -w '%{http_code} %{time_starttransfer} %{http_version}' \
        "$FAULTS_SERVER$path" "$@") || call_exit=$?
    read -r call_status call_head_s call_version <<<"$out"
    call_head_ms=$((10#${call_head_s/[.,]/} / 1000))
}
# rule JSON: the only one from now on.
rule() {
    faults_clear
    faults_ctl reset-counts >/dev/null
    faults_rule "$1" >/dev/null
}
injected() { faults_counts ".faults[\"$1\"] // 0"; }
# watch NAME PATH OPTION...: a stream in the background; frames in $work/watch-NAME, curl's exit status in $work/exit-NAME.
watch() {
    local name=$1 path=$2
    shift 2
    rm -f "$work/exit-$name"
    : >"$work/watch-$name"
    (
        status=0
        curl_it -N --max-time 60 "$FAULTS_SERVER$path" "$@" >"$work/watch-$name" 2>/dev/null || status=$?
        printf '%s' "$status" >"$work/exit-$name"
    ) &
}
stream="$maps?watch=1&allowWatchBookmarks=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&timeoutSeconds=60"
ended() { [ "$(cat "$work/exit-$1" 2>/dev/null)" = "$2" ]; }
# The initial events of `stream` are two objects and the bookmark. More bookmarks may come at any time: not counted.
settled() { awk '/^{"type":"BOOKMARK"/ && seen++ { next } 1' "$work/watch-$1"; }
frames() { settled "$1" | wc -l; }
types() { settled "$1" | jq -rR 'fromjson? | .type? // empty' | tr '\n' ' '; }
size() { stat -c %s "$work/${1:-body}"; }
# change N: writes an object past the proxy.
change() { kube patch configmap one -p "{\"data\":{\"a\":\"$1\"}}" >/dev/null; }

# 0: nothing is changed without a rule.
call "$maps"
check "passes over HTTP/2" '[ "$call_status $call_version" = "200 2" ] && jq -e ".items[] | select(.metadata.name == \"one\")" "$work/body"'
call "$maps" --http1.1
check "passes over HTTP/1.1" '[ "$call_status $call_version" = "200 1.1" ]'
token=wrong call "$maps"
check "passes refusals on" '[ "$call_status" = 401 ]'
curl_it -o "$work/big" "$FAULTS_SERVER/openapi/v2"
curl_it -o "$work/big2" "$direct/openapi/v2"
check "passes a large body as it is" 'cmp "$work/big" "$work/big2" && [ "$(size big)" -gt 1000000 ]'
watch plain "$stream"
check "passes a watch at once" '[ "$(types plain)" = "ADDED ADDED BOOKMARK " ]'
change plain
check "passes a change at once" '[[ $(types plain) == *MODIFIED* ]]'
check "counts streams and requests" '[ "$(faults_counts ".streams")" = 1 ] && [ "$(faults_ctl streams | jq ".[0].frames")" -ge 4 ] &&
    [ "$(faults_counts "[.requests[] | select(.verb == \"list\" and .status == 401)] | length")" = 1 ]'

# 1, 2: cuts.
rule '{"match":{"form":"list","resource":"configmaps"},"fault":{"kind":"cut-stream","bytes":100}}'
call "$maps"
check "cut-stream: RST_STREAM after 100 bytes" '[ "$call_exit $call_status $(size)" = "92 200 100" ]'
call /api/v1/nodes
check "other resources pass" '[ "$call_exit $call_status" = "0 200" ]'
call "$maps" --http1.1
check "cut-stream over HTTP/1.1" '[ "$call_exit $call_status" = "18 200" ]'
rule '{"match":{"form":"watch"},"fault":{"kind":"cut-stream","frames":2,"bytes":10}}'
watch cut "$stream"
check "cut-stream in the third frame" 'ended cut 92 && [ "$(tail -n 1 "$work/watch-cut")" = "{\"type\":\"B" ] && [ "$(wc -l <"$work/watch-cut")" = 2 ]'
rule '{"match":{"methods":["POST"]},"when":{"nth":1},"fault":{"kind":"cut-stream","at":"answer"}}'
body='{"metadata":{"name":"lost"}}'
call "$maps" -H 'Content-Type: application/json' -d "$body"
check "cut-stream at the answer: carried out, none received" '[ "$call_exit $call_status" = "92 000" ] && kube get configmap lost'
call "$maps" -H 'Content-Type: application/json' -d "$body"
check "nth: only that one" '[ "$call_status" = 409 ]'
kube delete configmap lost >/dev/null
rule '{"match":{"methods":["POST"]},"fault":{"kind":"cut-stream","at":"request"}}'
call "$maps" -H 'Content-Type: application/json' -d '{"metadata":{"name":"never"}}'
check "cut-stream at the request: not carried out" '[ "$call_exit $call_status" = "92 000" ] && ! kube get configmap never'
rule '{"match":{"resource":"configmaps"},"fault":{"kind":"cut-connection","bytes":600}}'
call "$maps"
check "cut-connection after 600 bytes on the wire" '[ "$call_exit" = 56 ] && [ "$(size)" -lt 600 ] && [ "$(injected cut-connection)" = 1 ]'
faults_clear
watch victim "$stream"
check "a stream to cut" '[ "$(frames victim)" = 3 ]'
faults_act cut >/dev/null
check "act cut: TCP RST" 'ended victim 56'

# 3, 4: slowness.
rule '{"match":{"form":"get"},"fault":{"kind":"delay","headMs":[400,500]}}'
call "$maps/one"
check "delay of the head" '[ "$call_head_ms" -ge 400 ] && [ "$call_head_ms" -lt 1500 ] && [ "$call_status" = 200 ]'
rule '{"match":{"form":"watch"},"fault":{"kind":"delay","chunkMs":300}}'
call "$maps?watch=1&timeoutSeconds=1"
check "delay of each piece" '[ "$call_status $(wc -l <"$work/body")" = "200 2" ] && [ "$(injected delay)" = 1 ]'
rule '{"match":{"form":"list"},"fault":{"kind":"stall","bytes":50,"ms":300}}'
call "$maps"
check "stall for a time" '[ "$call_exit $call_status" = "0 200" ] && jq -e .items "$work/body"'
rule '{"match":{"form":"watch"},"fault":{"kind":"stall","frames":1}}'
watch stalled "$stream"
check "stall for ever" '[ "$(frames stalled)" = 1 ] && [ "$(injected stall)" = 1 ]'
faults_act release >/dev/null
check "act release lets it go on" '[ "$(frames stalled)" = 3 ]'
faults_clear
faults_act stall >/dev/null
call "$maps" --connect-timeout 1 --max-time 1
check "act stall: nothing answers a new connection" '[ "$call_exit $call_status" = "28 000" ]'
change stalled
watch late "$maps/one"
check "act stall: an open stream gets nothing, nor ends" '[ "$(frames stalled)" = 3 ] && ! [ -s "$work/exit-stalled" ]'
faults_act release >/dev/null
check "released: both go on" '[ "$(frames stalled)" -ge 4 ] && ended late 0 && [ -s "$work/watch-late" ]'

# 5, 6: bodies that say nonsense.
rule '{"match":{"form":"list"},"fault":{"kind":"truncate","bytes":100}}'
call "$maps"
check "truncate: a clean end after 100 bytes" '[ "$call_exit $call_status $(size)" = "0 200 100" ]'
rule '{"match":{"form":"watch"},"fault":{"kind":"inject","frames":1,"frame":"huge"}}'
watch huge "$stream"
check "inject huge: 9 MiB, valid, between real frames" '[ "$(types huge)" = "ADDED MODIFIED ADDED BOOKMARK " ] &&
    [ "$(sed -n 2p "$work/watch-huge" | wc -c)" = 9437184 ]'
for kind in garbage not-event unknown-type blank; do
    rule "{\"match\":{\"form\":\"watch\"},\"fault\":{\"kind\":\"inject\",\"frames\":1,\"frame\":\"$kind\"}}"
    watch "$kind" "$stream"
    wait_for 5 "[ \"\$(frames $kind)\" = 4 ]" || true
done
check "inject garbage" '[ "$(frames garbage)" = 4 ] && ! sed -n 2p "$work/watch-garbage" | jq .'
check "inject not-event" 'sed -n 2p "$work/watch-not-event" | jq -e ".type == null"'
check "inject unknown-type" '[ "$(types unknown-type)" = "ADDED SYNCED ADDED BOOKMARK " ]'
check "inject a blank line" '[ "$(sed -n 2p "$work/watch-blank")" = "" ] && [ "$(frames blank)" = 4 ]'
rule '{"match":{"form":"watch"},"fault":{"kind":"inject","frames":3,"text":"{\"type\":\"own\"}","times":2}}'
watch own "$stream"
check "inject a text, twice, at the end of what there is" '[ "$(types own)" = "ADDED ADDED BOOKMARK own own " ]'

# 7: answers.
header() { grep -i "^$1:" "$work/head" | tr -d '\r' | cut -d' ' -f2-; }
for code in 401 403 404 410 422-watch-list 429 429-retry 500-html 503-close; do
    rule "{\"match\":{\"resource\":\"configmaps\"},\"fault\":{\"kind\":\"status\",\"preset\":\"$code\"}}"
    call "$maps"
    case $code in
    500-html) condition='grep -q "<h1>" "$work/body" && [[ $(header content-type) == text/html* ]]' ;;
    *) condition='[ "$(jq -r "\"\(.kind) \(.code)\"" "$work/body")" = "Status $call_status" ]' ;;
    esac
    [[ $code == 429-retry || $code == 503-close ]] && condition+=' && [ "$(header retry-after)" = 1 ]'
    [ $code = 429 ] && condition+=' && [ "$(header retry-after)" = "" ]'
    check "status $code" "[ \"\$call_status\" = ${code%%-*} ] && $condition"
done
curl_it -o /dev/null -o /dev/null -w '%{num_connects} ' "$FAULTS_SERVER$maps" "$FAULTS_SERVER$maps" >"$work/connects"
check "503-close: the next request needs a new connection" '[ "$(cat "$work/connects")" = "1 1 " ]'
call "$maps" --http1.1
check "503-close over HTTP/1.1" '[ "$(header connection)" = close ]'
rule '{"match":{"methods":["PATCH"]},"fault":{"kind":"status","code":418,"body":"tea","headers":{"X-Pot":"yes"},"forward":true}}'
call "$maps/one" -X PATCH -H 'Content-Type: application/merge-patch+json' -d '{"data":{"a":"forwarded"}}'
check "status after the upstream carried it out" '[ "$call_status $(cat "$work/body") $(header x-pot)" = "418 tea yes" ] &&
    [ "$(kube get configmap one -o "jsonpath={.data.a}")" = forwarded ]'

# 8, 9: watches that end, or lack something.
rule '{"match":{"form":"watch"},"fault":{"kind":"error-event","frames":1}}'
watch expired "$stream"
check "error-event 410, then the end" 'ended expired 0 && [ "$(types expired)" = "ADDED ERROR " ] &&
    [ "$(tail -n 1 "$work/watch-expired" | jq -r ".object.reason")" = Expired ]'
rule '{"match":{"form":"watch"},"fault":{"kind":"error-event","frames":1,"code":429,"end":false}}'
watch busy "$stream"
check "error-event 429, and it goes on" '[ "$(types busy)" = "ADDED ERROR ADDED BOOKMARK " ]'
rule '{"match":{"form":"watch"},"fault":{"kind":"end","frames":2}}'
watch end "$stream"
check "end after two frames" 'ended end 0 && [ "$(types end)" = "ADDED ADDED " ]'
rule '{"match":{"form":"watch"},"fault":{"kind":"end","before":"initial-events-end"}}'
watch before "$stream"
check "end before the initial events' end" 'ended before 0 && [ "$(types before)" = "ADDED ADDED " ]'
rule '{"match":{"form":"watch"},"fault":{"kind":"drop-bookmarks"}}'
watch dropped "$stream"
check "drop-bookmarks" '[ "$(injected drop-bookmarks)" -ge 1 ] && [ "$(types dropped)" = "ADDED ADDED " ]'
rule '{"match":{"form":"watch"},"fault":{"kind":"strip-initial-events-end"}}'
watch bare "$stream"
check "strip-initial-events-end" '[ "$(types bare)" = "ADDED ADDED BOOKMARK " ] && ! grep -q initial-events-end "$work/watch-bare"'

# 12: twice, and late.
rule '{"match":{"form":"watch"},"fault":{"kind":"duplicate","frames":1,"times":2}}'
watch twice "$stream"
check "duplicate" '[ "$(types twice)" = "ADDED ADDED ADDED ADDED BOOKMARK " ] && [ "$(sed -n "2p" "$work/watch-twice")" = "$(sed -n 4p "$work/watch-twice")" ]'
faults_clear
watch quick "$stream"
check "a stream that is not held" '[ "$(frames quick)" = 3 ]'
rule '{"match":{"form":"watch","path":"timeoutSeconds=61"},"fault":{"kind":"hold","ms":1500}}'
watch held "${stream%60}61"
check "hold: the initial events come later" '[ "$(frames held)" = 3 ]'
change held
check "hold: one stream is ahead" '[ "$(frames quick)" = 4 ]' && held_then=$(frames held)
check "hold: of the other" '[ "$held_then" = 3 ] && [ "$(frames held)" = 4 ]'

# Faults for streams that are open.
faults_clear
watch open "$stream"
check "a stream to apply a fault to" '[ "$(frames open)" = 3 ]'
faults_act '{"action":"apply","match":{"resource":"configmaps"},"fault":{"kind":"error-event","code":500}}' >/dev/null
check "act apply" 'ended open 0 && [ "$(types open)" = "ADDED ADDED BOOKMARK ERROR " ]'

# 10: GOAWAY.
: >"$work/connects"
curl_it -N --max-time 60 -o "$work/watch-away" -o /dev/null -w '%{num_connects} ' "$FAULTS_SERVER${stream%60}4" \
    "$FAULTS_SERVER$maps" >"$work/connects" &
check "a stream to send GOAWAY to" '[ "$(frames away)" -ge 3 ]'
faults_act goaway >/dev/null
change away
check "act goaway: the stream goes on" '[[ $(types away) == *MODIFIED* ]]'
check "act goaway: then a new connection" '[ "$(cat "$work/connects")" = "1 1 " ]'
watch abrupt "$stream"
check "a stream to end by GOAWAY" '[ "$(frames abrupt)" = 3 ]'
faults_act goaway mode=abrupt >/dev/null
check "act goaway abrupt: it ends" '[ -s "$work/exit-abrupt" ] && ! ended abrupt 0'

# 11: coming in at all.
serial() { openssl s_client -connect "${FAULTS_SERVER#https://}" </dev/null 2>/dev/null | openssl x509 -noout -serial; }
faults_certificate "$work/cluster" "$FAULTS_DIRECTORY" other
first=$(serial)
faults_act certificate certificate="$FAULTS_DIRECTORY/other.crt" key="$FAULTS_DIRECTORY/other.key" >/dev/null
check "act certificate" '[ "$(serial)" != "$first" ] && [ -n "$first" ]'
port=${FAULTS_SERVER##*:}
call_exit=0
curl_it --resolve "apiserver.test:$port:127.0.0.1" "https://apiserver.test:$port$maps" -o "$work/body" || call_exit=$?
check "its certificate is good for apiserver.test" '[ "$call_exit" = 0 ]'
faults_act handshakes refuse=true >/dev/null
call "$maps"
check "act handshakes refuse" '[ "$call_exit" = 35 ] && [ "$(faults_counts .connections.refused)" = 1 ]'
faults_act handshakes refuse=false >/dev/null
faults_act listener open=false >/dev/null
call "$maps"
check "act listener open=false: refused" '[ "$call_exit" = 7 ]'
faults_act listener open=true >/dev/null
call "$maps"
check "act listener open=true: the same port" '[ "$call_exit $call_status" = "0 200" ]'

# When.
rule '{"match":{"resource":"nodes"},"when":{"probability":0.5,"atMost":3},"fault":{"kind":"status","code":500}}'
for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
    call /api/v1/nodes
    printf '%s ' "$call_status"
done >"$work/draws"
check "probability, at most" '[ "$(grep -o 500 "$work/draws" | wc -l)" = 3 ] && [ "$(faults_ctl rules | jq ".[0].matched")" = 12 ]'
rule '{"when":{"forMs":200},"fault":{"kind":"status","code":500}}'
check "for a time" 'faults_ctl rules | jq -e ".[0].ended"'
for bad in '{"fault":{"kind":"nothing"}}' '{"fault":{"kind":"end","ms":4}}' '{"fault":{"kind":"delay","headMs":-1}}' '{'; do
    check "refused: $bad" "! faults_rule '$bad'"
done

# 13: the shadow, by a second proxy, with the kubeconfig for our programs.
faults_start "$work/cluster" shadow
faults_rule '{"fault":{"kind":"shadow"}}' >/dev/null
faults_rule '{"match":{"resource":"nodes"},"fault":{"kind":"status","preset":"503-close"}}' >/dev/null
faults_rule '{"match":{"resource":"configmaps"},"fault":{"kind":"strip","paths":[["data"],["metadata","annotations","proget-operator.io/*"]]}}' >/dev/null
kube annotate configmap one proget-operator.io/findings=x other=y >/dev/null
faults_kubeconfig "$work/token" "$work/shadow.kubeconfig"
behind() { "$ASSETS/kubectl" --kubeconfig "$work/shadow.kubeconfig" "$@"; }
behind patch configmap one --type=merge -p '{"data":{"a":"shadow"}}' >/dev/null
call "$maps/one" -X PATCH -H 'Content-Type: application/apply-patch+yaml' -d $'apiVersion: v1\nkind: ConfigMap\ndata: {a: applied}\n'
check "shadow: answered as the current object" '[ "$call_status" = 200 ] && [ "$(jq -r .metadata.uid "$work/body")" = "$(kube get cm one -o "jsonpath={.metadata.uid}")" ]'
call "$maps" -H 'Content-Type: application/json' -d '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"made"}}'
check "shadow: created, 201" '[ "$call_status $(jq -r .metadata.name "$work/body")" = "201 made" ]'
check "shadow: nothing was carried out" '! kube get configmap made && [ "$(kube get configmap one -o "jsonpath={.data.a}")" = away ]'
check "shadow: the newest write per object" 'faults_ctl writes | jq -e --arg path "$maps" "map({(.path): .}) | add | .[\$path + \"/one\"] | .body.data.a == \"applied\" and .count == 2"'
call "$maps"
check "strip: out of a list" 'jq -e ".items[] | select(.metadata.name == \"one\") | .data == null and .metadata.annotations == {other: \"y\"}" "$work/body"'
watch stripped "$stream"
check "strip: out of frames" '[ "$(types stripped)" = "ADDED ADDED BOOKMARK " ] &&
    jq -es "map(.object | select(.data or .metadata.annotations[\"proget-operator.io/findings\"])) == []" "$work/watch-stripped"'
check "kubectl goes through it" 'behind get configmap one -o name'
faults_stop shadow
faults_use faults
check "the other proxy goes on" 'faults_clear && call "$maps" && [ "$call_status" = 200 ]'
faults_stop
check "it ends on TERM" '! curl_it "$FAULTS_SERVER$maps"'

printf '%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
