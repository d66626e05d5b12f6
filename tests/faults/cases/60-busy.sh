# A server that is busy, or in trouble: what it refuses is asked for again when it said, or after a while; nothing that
# was to be written is dropped, and nothing is written twice, whatever became of the answer.
# shellcheck shell=bash disable=SC2016,SC2034 # conditions are text that is evaluated later

events_complained_of_once() { # of each object; which one is refused twice depends on the moment
    grep -F 'cannot create the Event yet' "$OPERATOR_LOG" | grep -oE 'object=[^ ]+' >"$RUN/complaints"
    [ -s "$RUN/complaints" ] && [ -z "$(sort "$RUN/complaints" | uniq -d)" ]
}
case_start || return
change
through "without a fault"
for preset in 429 429-retry 500-html 503-close; do
    faults_clear
    faults_ctl reset-counts >/dev/null
    faults_rule "{\"match\":{\"resource\":\"progetclusters/status\"},\"when\":{\"atMost\":2},\"fault\":{\"kind\":\"status\",\"preset\":\"$preset\"}}" >/dev/null
    faults_rule "{\"match\":{\"methods\":[\"POST\"],\"resource\":\"events\"},\"when\":{\"atMost\":2},\"fault\":{\"kind\":\"status\",\"preset\":\"$preset\"}}" >/dev/null
    faults_rule "{\"match\":{\"resource\":\"pods/status\"},\"when\":{\"atMost\":2},\"fault\":{\"kind\":\"status\",\"preset\":\"$preset\"}}" >/dev/null
    expected=6
    # Of a watch alone: its pauses grow from one failure to the next, whatever lies in between.
    if [[ $preset = 429 || $preset = 503-close ]]; then
        faults_rule "{\"match\":{\"form\":\"watch\",\"resource\":\"pods\"},\"when\":{\"atMost\":1},\"fault\":{\"kind\":\"status\",\"preset\":\"$preset\"}}" >/dev/null
        apply pods '{"kind":"cut-stream"}'
        expected=7
    fi
    change
    WITHIN=40 through "$preset to what it asks and writes"
    holds "$preset: all of these were sent" fired status $expected
    [ $preset != 429 ] || ok "an Event that is refused is spoken of, and once however often" events_complained_of_once
done
holds "a watch that is refused for being too much is not read anew" '[ "$(reads pods)" -le 2 ]'
# --- the answer is lost after the write was carried out ---
faults_clear
faults_ctl reset-counts >/dev/null
faults_rule '{"match":{"methods":["POST"],"resource":"events"},"when":{"atMost":2},"fault":{"kind":"cut-stream","at":"answer"}}' >/dev/null
faults_rule '{"match":{"resource":"progetclusters/status"},"when":{"atMost":1},"fault":{"kind":"cut-stream","at":"answer"}}' >/dev/null
faults_rule '{"match":{"resource":"pods/status"},"when":{"atMost":1},"fault":{"kind":"cut-stream","at":"answer"}}' >/dev/null
change
WITHIN=40 through "the answers to writes lost"
holds "they were" fired cut-stream 3
ok "the Event was there already" '[ "$(faults_counts "[.requests[] | select(.verb == \"create\" and .status == 409)] | length")" -ge 1 ]'
# --- and an answer of 500 though it was carried out ---
faults_clear
faults_rule '{"match":{"methods":["POST"],"resource":"events"},"when":{"atMost":2},"fault":{"kind":"status","preset":"500-html","forward":true}}' >/dev/null
change
WITHIN=40 through "500 though the Event was created"
# --- cut before the server saw it, and the whole connection with it ---
faults_clear
faults_rule '{"match":{"methods":["POST"],"resource":"events"},"when":{"atMost":1},"fault":{"kind":"cut-connection","at":"answer"}}' >/dev/null
faults_rule '{"match":{"resource":"progetclusters/status"},"when":{"atMost":1},"fault":{"kind":"cut-connection","at":"request"}}' >/dev/null
change
WITHIN=40 through "the connection cut over a write"
holds "the same process" operator_same
