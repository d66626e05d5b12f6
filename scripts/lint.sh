#!/usr/bin/env bash
# Everything that is held against the sources without running them. Ends with what failed, or "lint: clean".
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
failures=()
list() { git ls-files --cached --others --exclude-standard "$@"; }
mapfile -t c_sources < <(list '*.c')
mapfile -t c_files < <(list '*.c' '*.h')
mapfile -t product_sources < <(list 'lib/*.c' 'sidecar/*.c' 'operator/*.c' 'cli/*.c')
mapfile -t scripts < <(list '*.sh' .ci/run)

check() { # NAME COMMAND...
    local name=$1
    shift
    printf 'lint: %s\n' "$name"
    if ! "$@"; then
        failures+=("$name")
    fi
}

# clang-tidy is the slow one: a file is looked at again only when it, a header or the settings changed since it was clean.
tidy() {
    local cache=build/lint key headers file
    mkdir -p "$cache"
    headers=$(list '*.h' .clang-tidy | xargs cat | sha256sum)
    local todo=()
    for file in "${product_sources[@]}"; do
        key=$(printf '%s' "$headers" | cat - "$file" | sha256sum | cut -c1-32)
        [ -e "$cache/tidy-$key" ] || todo+=("$file:$cache/tidy-$key")
    done
    [ ${#todo[@]} -gt 0 ] || return 0
    # shellcheck disable=SC2016 # expanded by the inner shell
    printf '%s\n' "${todo[@]}" | xargs -P "$(nproc)" -I{} bash -c '
        file=${1%%:*}
        out=$(clang-tidy --quiet -p build/dev "$file" 2>/dev/null) && [ -z "$out" ] && touch "${1#*:}" && exit 0
        printf "%s\n" "$out"
        exit 1' _ {}
}

# Functions that are not to be used, and why, are in CONTRIBUTING.md.
banned() {
    local pattern='\b(sprintf|vsprintf|strcpy|strcat|strncpy|strtok|strtok_r|atoi|atol|atof|gets|sleep|usleep|system|popen|strdup|strndup|asprintf|vasprintf)\('
    local allowed='\b(malloc|calloc|realloc|strtol|strtoll|strtoul|strtoull|strtod|exit|abort)\('
    local bad=0
    if grep -nE "$pattern" "${product_sources[@]}" | grep -vE '^lib/core/memory\.c:'; then bad=1; fi
    if grep -nE "$allowed" "${product_sources[@]}" | grep -vE '^lib/core/(memory|text|yaml_scalar)\.c:'; then bad=1; fi
    return "$bad"
}

sizes() {
    local bad=0 file lines
    for file in "${product_sources[@]}"; do
        lines=$(wc -l <"$file")
        if [ "$lines" -gt 800 ]; then
            printf '%s: %s lines; 800 at the most\n' "$file" "$lines"
            bad=1
        fi
    done
    # A function begins at a "{" in the first column and ends at a "}" there.
    awk 'FNR == 1 { start = 0 }
         /^\{/ { start = FNR }
         /^\}/ { if (start && FNR - start > 71) { printf "%s:%d: a function of %d lines; 70 at the most\n", FILENAME, start, FNR - start - 1; bad = 1 } start = 0 }
         END { exit bad }' "${product_sources[@]}" || bad=1
    return "$bad"
}

# The direction of the arrows in docs/architecture.md.
layers() {
    local bad=0
    if grep -nE '#include "(proget/(kube|model|checks)/|publish/|serve/)' lib/core/*.c include/proget/core/*.h; then bad=1; fi
    if grep -nE '#include "(proget/(model|checks)/|publish/|serve/)' lib/kube/*.c lib/kube/*.h include/proget/kube/*.h; then bad=1; fi
    if grep -nE '#include "(proget/(kube|checks)/|publish/|serve/)' lib/model/*.[ch] include/proget/model/*.h; then bad=1; fi
    if grep -rnE '#include "(proget/kube/|publish/|serve/|curl)' lib/checks include/proget/checks; then bad=1; fi
    return "$bad"
}

manifests() {
    local kubectl folder bad=0
    kubectl=$(tests/cluster/build.sh)/kubectl
    list 'manifests/*.yaml' | xargs yamllint -s -d '{extends: relaxed, rules: {line-length: disable}}' || bad=1
    while IFS= read -r folder; do
        folder=$(dirname "$folder")
        grep -q '^kind: Component' "$folder/kustomization.yaml" && continue
        "$kubectl" kustomize "$folder" >/dev/null || bad=1
    done < <(list 'manifests/*kustomization.yaml')
    return "$bad"
}

go_sources() {
    local bad=0 module out
    while IFS= read -r module; do
        module=$(dirname "$module")
        out=$(gofmt -l "$module")
        [ -z "$out" ] || { printf 'gofmt: %s\n' "$out"; bad=1; }
        [ "$module" = tests/cluster ] || (cd "$module" && go vet ./...) || bad=1
    done < <(list '*go.mod')
    return "$bad"
}

# Nothing of the machine that it was written on.
traces() {
    ! git grep -nIE --untracked '/(root|home)/[a-z]+/|/work/(main|shared)' -- . ':!scripts/lint.sh' ':!LICENSE'
}

cmake --preset dev >/dev/null
check clang-format clang-format --dry-run --Werror "${c_files[@]}"
check banned banned
check sizes sizes
check layers layers
check shellcheck shellcheck -x "${scripts[@]}"
check cppcheck cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,portability --inline-suppr \
    --suppress=missingIncludeSystem --suppress=unknownMacro -I include -I operator -I sidecar -I cli -j 2 "${c_sources[@]}"
check manifests manifests
check go go_sources
check traces traces
check clang-tidy tidy
if [ ${#failures[@]} -gt 0 ]; then
    printf 'lint: failed: %s\n' "${failures[*]}"
    exit 1
fi
printf 'lint: clean\n'
