#!/usr/bin/env bash
# What the pages of docs/findings say to paste, pasted: on the scenario that raises the finding, with the real kubectl's
# way to merge, and the audit run again: run.sh [CODE...]. Ends with "N passed, M failed".
# The first line of each ```yaml block under "## Mitigation" is a comment with the command that takes it:
#   # kubectl -n proget patch statefulset proget --patch-file packages.yaml
# and what is applied to what, and what has no patch, is in table.sh.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
root=$PWD
patches_source=$root/tests/patches
wanted=("$@")
patches_kubectl=$(tests/cluster/build.sh)/kubectl
scripts/build.sh dev kubectl-proget
# shellcheck disable=SC2034 # read by cluster.sh
patches_audit=$root/build/dev/cli/kubectl-proget
patches_work=$(mktemp -d)
trap 'rm -rf "$patches_work"' EXIT
# shellcheck source=tests/patches/cluster.sh
. tests/patches/cluster.sh
# shellcheck source=tests/patches/pages.sh
. tests/patches/pages.sh
passed=0
failed=0
declare -A mended=() unpatched_because=() used=()

# holds WHAT COMMAND...: one assertion; what the command said is shown where it failed.
holds() {
    local what=$1
    shift
    if "$@" >"$patches_work/said" 2>&1; then
        passed=$((passed + 1))
        printf 'ok    %s\n' "$what"
    else
        failed=$((failed + 1))
        printf 'FAIL  %s\n' "$what"
        sed 's/^/      /' "$patches_work/said"
    fi
}

# First lines are commands that read the one file that the block is; no two blocks of a page are named alike.
lines_are_commands() { # CODE
    local line file seen=' '
    while IFS= read -r line; do
        if ! [[ $line =~ ^\#\ kubectl\ (-n\ [a-z-]+\ )?(patch\ [a-z]+\ [a-z-]+\ (--type\ (merge|strategic)\ )?--patch-file\ [a-z.-]+\.yaml|apply\ -f\ [a-z.-]+\.yaml|apply\ -k\ \.\./[a-z-]+)$ ]]; then
            refuse "not a command to paste: $line"
            return 1
        fi
        file=$(file_in "$line")
        [[ $seen != *" $file "* ]] || refuse "two blocks are $file" || return 1
        seen+="$file "
    done < <(block_commands "$1")
}

# paste CODE STEP: a step is the FILE of a block; FILE@NAME, for a workload of that name; or the beginning of a
# command in a ```sh block of the page's Mitigation.
paste() {
    local code=$1 step=$2 file line
    if [[ $step == 'kubectl '* || $step == 'mkdir '* ]]; then
        line=$(mitigation "$code" | awk '/^```sh$/ { inside = 1; next } /^```/ { inside = 0 } inside' | grep -F -- "$step") ||
            refuse "the page of $code does not say: $step" || return 1
        [[ $line == "$step"* && $(wc -l <<<"$line") = 1 ]] || refuse "not one command: $line" || return 1
        printf '$ %s\n' "$line"
        eval "$line"
        return
    fi
    file=${step%@*}
    line=$(block_commands "$code" | grep -F -- " ${file%/kustomization.yaml}") || refuse "the page of $code has no block $file" || return 1
    line=${line#\# }
    if [[ $step == *@* ]]; then line=${line/ statefulset proget / statefulset ${step#*@} }; fi
    mkdir -p "$(dirname "$file")"
    block "$code" "${line##* }" >"$file"
    printf '$ %s\n' "$line"
    eval "$line"
}

scenario_now() {
    cat "$root/tests/scenarios/$1/now.txt" 2>/dev/null || printf '2026-11-22T12:00:00Z\n'
}

# try PAGE GOES SCENARIO STEP...: after the steps, no finding of the code GOES (none: "") and none that was not before,
# but for those of the code $PRICE, which the page then names.
try() {
    local page=$1 goes=$2 scenario=$3 step now before after new
    shift 3
    now=$(scenario_now "$scenario")
    rm -rf "$patches_work/tree"
    mkdir -p "$patches_work/tree/here"
    ln -s "$root" "$patches_work/tree/proget-operator"
    cd "$patches_work/tree/here"
    cluster_load "$root/tests/scenarios/$scenario/cluster.yaml" || return 1
    before=$(cluster_findings "$now") || refuse "$before" || return 1
    [ -z "$goes" ] || grep -q "^$goes " <<<"$before" || refuse "not raised before:" "$before" || return 1
    for step in "$@"; do
        cp "$patches_objects" "$patches_work/untouched.json"
        paste "$page" "$step" || refuse "failed: $step" || return 1
        [[ $step == mkdir* ]] || ! cmp -s "$patches_objects" "$patches_work/untouched.json" ||
            refuse "changes nothing: $step" || return 1
    done
    after=$(cluster_findings "$now") || refuse "$after" || return 1
    if [ -n "$goes" ] && grep "^$goes " <<<"$after"; then
        refuse "is still there"
        jq -r '.items[].message' "$patches_work/findings.json"
        return 1
    fi
    new=$(comm -13 <(printf '%s\n' "$before") <(printf '%s\n' "$after") | grep . || true)
    if [ -n "${PRICE:-}" ]; then
        grep -q "^$PRICE " <<<"$new" || refuse "$PRICE is its price no more: table.sh is out of date" || return 1
        mitigation "$page" | grep -q "\[$PRICE\]($PRICE.md)" || refuse "the page does not say that it leads to $PRICE" || return 1
        new=$(grep -v "^$PRICE " <<<"$new" || true)
    fi
    if [ -n "$new" ]; then
        jq -r '.items[].message' "$patches_work/findings.json"
        refuse "raised by the patch: $new"
    fi
}

is_wanted() { [ ${#wanted[@]} = 0 ] || [[ " ${wanted[*]} " == *" $1 "* ]]; }

# row PAGE GOES SCENARIO [STEP...]: without steps, all blocks of the page in their order.
row() {
    local page=$1 step
    if [ $# = 3 ]; then
        mapfile -t steps < <(while IFS= read -r step; do file_in "$step"; done < <(block_commands "$page"))
        set -- "$@" "${steps[@]}"
    fi
    for step in "${@:4}"; do used[$page ${step%@*}]=1; done
    if is_wanted "$page"; then
        # In a shell of its own: it goes to another folder.
        holds "$page: on $3: ${2:+$2 goes, }nothing comes: ${*:4}" in_shell try "$@"
    fi
}
in_shell() { ("$@"); }

# --- the words of table.sh ---
mends() { # PAGE SCENARIO [STEP...]
    mended[$1]=1
    row "$1" "$1" "${@:2}"
}
helps() { row "$@"; }                         # PAGE CODE SCENARIO STEP...
harmless() { row "$1" '' "${@:2}"; }          # PAGE SCENARIO STEP...
unpatched() { unpatched_because[$1]=$2; } # PAGE SENTENCE

is_settled() { # CODE
    if [ -n "${mended[$1]:-}" ]; then
        [ -z "${unpatched_because[$1]:-}" ] || refuse "mended and unpatched in table.sh"
        return
    fi
    [ -n "${unpatched_because[$1]:-}" ] ||
        refuse "no row in table.sh: name the scenario that its patch mends, or say in the page why there is none" || return 1
    mitigation "$1" | tr '\n' ' ' | grep -qF -- "${unpatched_because[$1]}" ||
        refuse "its Mitigation does not say: ${unpatched_because[$1]}"
}
blocks_are_tried() { # CODE
    local line file
    while IFS= read -r line; do
        file=$(file_in "$line")
        [ -n "${used[$1 $file]:-}" ] || refuse "no row of table.sh tries $file" || return 1
    done < <(block_commands "$1")
}
is_code() { [[ " ${codes[*]} " == *" $1 "* ]]; }

mapfile -t codes < <("$patches_audit" explain | awk 'NR > 1 && /^[A-Z]/ && NF > 2 { print $1 }')
holds "the catalogue is read" [ ${#codes[@]} -ge 55 ]
# shellcheck source=tests/patches/table.sh
. tests/patches/table.sh
for code in "${codes[@]}"; do
    is_wanted "$code" || continue
    holds "$code: each block names the command that takes it" lines_are_commands "$code"
    holds "$code: a patch mends it, or the page says why none does" is_settled "$code"
    holds "$code: each block is tried" blocks_are_tried "$code"
done
for code in "${!mended[@]}" "${!unpatched_because[@]}"; do
    is_code "$code" || holds "table.sh: $code is a code of the catalogue" false
done
printf '%s pages mended by what they say to paste, %s that say why there is nothing to paste\n' \
    "${#mended[@]}" "${#unpatched_because[@]}"
printf '%s passed, %s failed\n' "$passed" "$failed"
[ "$failed" = 0 ]
