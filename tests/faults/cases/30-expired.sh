# A watch that is refused for its version, or that ends in an error: what was seen is never older afterwards.
# shellcheck shell=bash disable=SC2016,SC2034 # conditions are text that is evaluated later

case_start || return
change
through "without a fault"
faults_rule '{"match":{"form":"watch","resource":"pods"},"when":{"nth":1},"fault":{"kind":"status","preset":"410"}}' >/dev/null
apply pods '{"kind":"cut-stream"}'
change
through "410 as the answer to a watch"
holds "the 410 was sent" fired status 1
ok "what was read anew began at a version" '[ "$(reads pods)" = 2 ] && never_back pods'
for code in 410 500; do
    apply pods "{\"kind\":\"error-event\",\"code\":$code}"
    change
    through "$code in the stream"
done
ok "each was read anew, once, from a version" '[ "$(reads pods)" = 4 ] && never_back pods'
apply pods '{"kind":"error-event","code":429}'
change
through "429 in the stream"
holds "that one was not read anew" '[ "$(reads pods)" = 4 ]'
# Both the watch and the sync from a version are refused: only now everything is asked for, at its newest.
faults_rule '{"match":{"form":"watch","resource":"pods","path":"resourceVersion=[0-9]"},"when":{"atMost":2},"fault":{"kind":"status","preset":"410"}}' >/dev/null
apply pods '{"kind":"cut-stream"}'
change
through "410 for every version"
ok "the newest state was asked for, once" '[ "$(requests_of "pods\\?" | tail -n +2 | grep -vcE "resourceVersion=[1-9]")" = 1 ]'
holds "nobody was troubled" "log_lines 'out of reach' 0 && log_lines 'does not serve everything' 0"
holds "the same process" operator_same
