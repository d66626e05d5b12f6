# The demo says how it is used instead of starting when it is asked, or misunderstood.
# shellcheck shell=bash disable=SC2154 # root is set by world.sh
demo_says() { # STATUS ARGUMENT...: it ends with that status and its usage, and begins nothing
    local expected=$1 said status=0
    shift
    said=$("$root/scripts/demo.sh" "$@" 2>&1) || status=$?
    [ "$status" = "$expected" ] && [[ $said == *"usage: demo.sh"* ]] && [[ $said != *"== 1."* ]]
}
holds "--help" demo_says 0 --help
holds "-h" demo_says 0 -h
holds "an unknown option" demo_says 2 --keep
holds "an operand" demo_says 2 start
holds "an empty operand" demo_says 2 ''
