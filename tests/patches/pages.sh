# What there is to paste in the pages of docs/findings; to be sourced by bash.
# shellcheck shell=bash
pages_root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

page_of() { printf '%s/docs/findings/%s.md' "$pages_root" "$1"; }
mitigation() { awk '/^## / { inside = 0 } /^## Mitigation$/ { inside = 1; next } inside' "$(page_of "$1")"; }

# The commands in the first lines of a page's blocks, in their order.
block_commands() {
    mitigation "$1" | awk '/^```yaml$/ { getline; print }'
}
# The file that a command reads.
file_in() {
    local -a words
    read -ra words <<<"$1"
    local at
    for at in "${!words[@]}"; do
        case ${words[at]} in
        --patch-file | -f) printf '%s\n' "${words[at + 1]:-}" ;;
        -k) printf '%s/kustomization.yaml\n' "${words[at + 1]:-}" ;;
        esac
    done
}
# block CODE FILE: prints the block whose command reads that file.
block() {
    mitigation "$1" | awk -v wanted="$2" '
        /^```yaml$/ { getline; inside = index($0 " ", " " wanted " ") > 0; next }
        /^```/ { inside = 0 }
        inside'
}
