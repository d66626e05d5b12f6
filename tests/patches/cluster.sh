# A cluster that is a file of objects. `kubectl` here takes the commands of the pages of docs/findings and has the real
# one work them out, with --local or --dry-run=client, so that patches are merged as they are in a cluster; what
# controllers make of the change is in controllers.jq.
# Asked of whoever sources it: $patches_kubectl (the program), $patches_work (a folder), $patches_source (this one).
# shellcheck shell=bash disable=SC2154

patches_objects=$patches_work/objects.json

# What kubectl is told is asked of nobody: no server, no file of the user.
real_kubectl() { KUBECONFIG=/dev/null "$patches_kubectl" "$@"; }

refuse() {
    printf '%s\n' "$*" >&2
    return 1
}

# objects_of FILE: YAML to JSON, one object after the other.
objects_of() { real_kubectl patch --local --type merge -p '{}' -f "$1" -o json; }

cluster_load() { objects_of "$1" | jq -s . >"$patches_objects"; }

cluster_findings() { # NOW
    local status=0
    jq '{apiVersion: "v1", kind: "List", items: .}' "$patches_objects" >"$patches_work/list.json"
    "$patches_audit" audit --now "$1" -o json -f "$patches_work/list.json" >"$patches_work/findings.json" \
        2>"$patches_work/audit.log" || status=$?
    [ "$status" -le 1 ] || {
        cat "$patches_work/audit.log"
        return 1
    }
    jq -r '.items[] | "\(.code) \(.object.kind)/\(.object.name)\(if .cause then " " + .cause else "" end)"' \
        "$patches_work/findings.json" | sort
}

kind_of() {
    case ${1,,} in
    statefulset | statefulsets) printf StatefulSet ;;
    deployment | deployments) printf Deployment ;;
    pod | pods) printf Pod ;;
    node | nodes) printf Node ;;
    progetcluster | progetclusters) printf ProGetCluster ;;
    poddisruptionbudget | poddisruptionbudgets | pdb) printf PodDisruptionBudget ;;
    horizontalpodautoscaler | hpa) printf HorizontalPodAutoscaler ;;
    verticalpodautoscaler | vpa) printf VerticalPodAutoscaler ;;
    scaledobject | scaledobjects) printf ScaledObject ;;
    *) refuse "no kind of object that is known here: $1" ;;
    esac
}

# Prints the places, in the list of objects, of those meant: KIND NAME... or KIND -l KEY=VALUE.
places() { # NAMESPACE KIND SELECTOR NAME...
    local namespace=$1 kind selector=$3 found
    kind=$(kind_of "$2") || return 1
    shift 3
    found=$(jq -r --arg namespace "$namespace" --arg kind "$kind" --arg selector "$selector" '
        to_entries[] | select(.value.kind == $kind and
            (.value.metadata.namespace // $namespace) == $namespace and
            if $selector == "" then .value.metadata.name | IN($ARGS.positional[])
            else .value.metadata.labels[$selector | split("=")[0]] == ($selector | split("=")[1]) end) | .key' \
        "$patches_objects" --args "$@")
    [ -n "$found" ] || refuse "not found: $kind $selector $* in namespace $namespace"
    printf '%s\n' "$found"
}

# After each change: what controllers do of it.
settle() {
    cp "$patches_objects" "$patches_work/before.json"
    jq --slurpfile before "$patches_work/before.json" --argjson deleted "${1:-[]}" -f "$patches_source/controllers.jq" \
        "$patches_work/after.json" >"$patches_objects.new" && mv "$patches_objects.new" "$patches_objects"
}

# edit NAMESPACE VERB... -- TARGET... -- REST...: the verb's own --local over each object that is meant.
edit() {
    local namespace=$1 verb=() names=() kind selector='' place
    shift
    while [ "$1" != -- ]; do
        verb+=("$1")
        shift
    done
    shift
    if [[ $1 == */* ]]; then
        kind=${1%%/*} names=("${1#*/}")
        shift
    else
        kind=$1
        shift
    fi
    # Names come before what is to be done with them.
    while [ $# -gt 0 ] && [[ $1 != -* && $1 != *=* && $1 != *- ]]; do
        names+=("$1")
        shift
    done
    if [ "${1:-}" = -l ]; then
        selector=$2
        shift 2
    fi
    local list
    list=$(places "$namespace" "$kind" "$selector" "${names[@]}") || return 1
    cp "$patches_objects" "$patches_work/after.json"
    for place in $list; do
        jq --argjson place "$place" '.[$place]' "$patches_work/after.json" >"$patches_work/object.json"
        real_kubectl "${verb[@]}" --local -f "$patches_work/object.json" "$@" -o json >"$patches_work/changed.json" || return 1
        jq --argjson place "$place" --slurpfile changed "$patches_work/changed.json" '.[$place] = $changed[0]' \
            "$patches_work/after.json" >"$patches_work/after.json.new" && mv "$patches_work/after.json.new" "$patches_work/after.json"
    done
    settle
}

# put NAMESPACE MODE FILE: objects in JSON; one that is there is merged with (apply) or is in the way (create).
put() {
    local namespace=$1 mode=$2 object place
    while IFS= read -r object; do
        object=$(jq -c --arg namespace "$namespace" '
            if .kind | IN("PriorityClass", "Node", "Namespace", "PersistentVolume", "StorageClass", "ClusterRole",
                          "ClusterRoleBinding", "CustomResourceDefinition") then .
            elif .metadata.namespace == null then .metadata.namespace = ($namespace | if . == "" then "default" else . end)
            elif $namespace != "" and .metadata.namespace != $namespace then "not the namespace of -n" | halt_error
            else . end' <<<"$object") || return 1
        place=$(jq --argjson object "$object" '[.[] | .kind == $object.kind and .metadata.name == $object.metadata.name and
            .metadata.namespace == $object.metadata.namespace] | index(true)' "$patches_objects")
        if [ "$place" != null ] && [ "$mode" = create ]; then
            refuse "already exists: $(jq -r .kind <<<"$object")"
            return 1
        fi
        if [ "$place" = null ]; then
            jq --argjson object "$object" '. + [$object]' "$patches_objects" >"$patches_work/after.json"
        else
            jq --argjson place "$place" '.[$place]' "$patches_objects" >"$patches_work/object.json"
            local type=strategic
            [[ $(jq -r .apiVersion <<<"$object") == *.io/v1alpha1 ]] && type=merge
            real_kubectl patch --local --type "$type" -p "$object" -f "$patches_work/object.json" -o json \
                >"$patches_work/changed.json" || return 1
            jq --argjson place "$place" --slurpfile changed "$patches_work/changed.json" '.[$place] = $changed[0]' \
                "$patches_objects" >"$patches_work/after.json"
        fi
        settle || return 1
    done < <(jq -c . "$3")
}

remove() { # NAMESPACE KIND NAME...
    local list
    list=$(places "$1" "$2" '' "${@:3}") || return 1
    list=$(jq -cs . <<<"$list")
    cp "$patches_objects" "$patches_work/after.json"
    settle "$list"
}

taint() { # NODE KEY=VALUE:EFFECT
    local place
    place=$(places '' node '' "$1") || return 1
    [[ $2 =~ ^([^=:]+)(=([^:]*))?:(NoSchedule|PreferNoSchedule|NoExecute)$ ]] || refuse "no taint: $2" || return 1
    jq --argjson place "$place" --arg key "${BASH_REMATCH[1]}" --arg value "${BASH_REMATCH[3]}" \
        --arg effect "${BASH_REMATCH[4]}" '.[$place].spec.taints += [{$key, $value, $effect}]' \
        "$patches_objects" >"$patches_work/after.json"
    settle
}

# The commands of the pages. What is not known here is no remedy that is tried.
kubectl() {
    local namespace='' command=() merge=(--type merge -p) file
    while [ $# -gt 0 ]; do
        if [ "$1" = -n ]; then
            namespace=$2
            shift 2
        else
            command+=("$1")
            shift
        fi
    done
    set -- "${command[@]:1}"
    case ${command[0]} in
    patch | label | annotate) edit "$namespace" "${command[0]}" -- "$@" ;;
    set) edit "$namespace" set "$1" -- "${@:2}" ;;
    scale)
        [[ ${*: -1} =~ ^--replicas=([0-9]+)$ ]] || refuse "scale: how many?" || return 1
        edit "$namespace" patch -- "${@:1:$#-1}" "${merge[@]}" "{\"spec\":{\"replicas\":${BASH_REMATCH[1]}}}"
        ;;
    get) # KIND NAME -o yaml: with what an API server has added
        local place
        [ "$3 $4" = "-o yaml" ] || refuse "get: as YAML alone" || return 1
        place=$(places "$namespace" "$1" '' "$2") || return 1
        jq --argjson place "$place" '.[$place] | .metadata += {uid: (.metadata.uid // "uid"), resourceVersion: "1", generation: 1,
            creationTimestamp: "2026-11-21T08:00:00Z"} | .status = (.status // {replicas: 0})' \
            "$patches_objects" >"$patches_work/object.json"
        real_kubectl patch --local --type merge -p '{}' -f "$patches_work/object.json" -o yaml
        ;;
    uncordon) edit "$namespace" patch -- node "$@" "${merge[@]}" '{"spec":{"unschedulable":null}}' ;;
    taint) taint "${@:2}" ;;
    delete) remove "$namespace" "$@" ;;
    create)
        file=$patches_work/created.json
        real_kubectl create "$@" ${namespace:+-n "$namespace"} --dry-run=client -o json >"$file" && put "$namespace" create "$file"
        ;;
    apply)
        file=$patches_work/applied.json
        if [ "$1" = -k ]; then
            real_kubectl kustomize "$2" >"$patches_work/applied.yaml" || return 1
            objects_of "$patches_work/applied.yaml" >"$file"
        elif [ "$1" = -f ]; then
            objects_of "$2" >"$file"
        else
            refuse "apply: -f or -k?"
        fi && put "$namespace" apply "$file"
        ;;
    *) refuse "kubectl ${command[0]} is not known here" ;;
    esac
}
