# A watch that is cut, wherever: it goes on from where it was, nothing is read anew, nothing is lost.
# shellcheck shell=bash disable=SC2016,SC2034 # conditions are text that is evaluated later

case_start || return
WITHIN=5 ok "the first state was read once" '[ "$(reads pods)" = 1 ]'
change
through "without a fault"
for position in '"bytes":0' '"bytes":1' '"bytes":300' '"frames":1,"bytes":7'; do
    apply pods "{\"kind\":\"cut-stream\",$position}"
    change
    through "cut at {$position}"
done
holds "each cut was made" fired cut-stream 4
apply pods '{"kind":"end"}'
change
through "ended cleanly"
faults_act cut >/dev/null
change
through "the connection cut"
faults_act cut bytes=900 >/dev/null
change
through "the connection cut in the middle of a record"
holds "of all that, nothing was read anew" '[ "$(reads pods)" = 1 ]'
holds "and nobody was troubled with it" "log_lines 'out of reach' 0 && log_lines 'does not serve everything' 0"
holds "the same process" operator_same
