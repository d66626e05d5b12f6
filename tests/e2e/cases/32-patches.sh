# An API server takes what the pages of docs/findings say to paste: every field is known, and the object is valid with
# it. What it mends is tried in tests/patches.
# shellcheck shell=bash disable=SC2154 # root is set by world.sh
# shellcheck source=tests/patches/pages.sh
. "$root/tests/patches/pages.sh"

# patch_taken CODE FILE COMMAND: as a dry run, with no word of a field that the server does not know.
patch_taken() {
    local words said
    read -ra words <<<"${3#\# }"
    block "$1" "$2" | sed "s/namespace: proget\b/namespace: $NS/" >"$WORLD/$2"
    said=$(kubectl -n "$NS" "${words[@]//"$2"/"$WORLD/$2"}" --dry-run=server 2>&1) && [[ $said != *Warning* ]] && return
    printf '%s\n' "$said" >"$WORLD/patch-refused"
    return 1
}

# With literals where the patches put references: a variable that has both is refused.
REPLICAS=0 KEY=literal:0f1e2d3c4b5a69788796a5b4c3d2e1f0 servers_apply
REPLICAS=0 WORKLOAD=Deployment servers_manifest | kubectl apply -f - >/dev/null
cluster_manifest | jq '.metadata.name = "second" | .spec.selector.matchLabels.app = "proget-test"' | kubectl apply -f - >/dev/null
jq -n --arg ns "$NS" '{apiVersion: "autoscaling/v2", kind: "HorizontalPodAutoscaler", metadata: {name: "proget", namespace: $ns},
    spec: {minReplicas: 2, maxReplicas: 5, scaleTargetRef: {apiVersion: "apps/v1", kind: "Deployment", name: "proget"}}}' |
    kubectl apply -f - >/dev/null

patches_tried=0
for page in "$pages_root"/docs/findings/[A-Z]*.md; do
    code=$(basename "$page" .md)
    while IFS= read -r line; do
        case $line in
        *" -k "* | *" verticalpodautoscaler "*) continue ;; # kustomizations are built in tests/patches; no such kind here
        esac
        line=${line/ kubectl -n proget / } line=${line/ kubectl / }
        file=$(file_in "$line")
        patches_tried=$((patches_tried + 1))
        holds "$code: $file is taken" patch_taken "$code" "$file" "$line"
        if [ -e "$WORLD/patch-refused" ]; then
            sed 's/^/  /' "$WORLD/patch-refused"
            rm "$WORLD/patch-refused"
        fi
    done < <(block_commands "$code")
done
holds "the pages have patches" "[ $patches_tried -ge 40 ]"
unset patches_tried page code line file
