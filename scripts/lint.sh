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

# clang-tidy is the slow one: a file is looked at again only when it, a header that it includes, its compiler flags or
# the settings changed since it was clean.
tidy_one() { # FILE COMMAND-THAT-NAMES-ITS-HEADERS
    local headers key out
    headers=$(bash -c "$2") || return 1
    headers=${headers#*:}
    # shellcheck disable=SC2086 # a list; our paths have no spaces
    key=$({ printf '%s\n' "$2" && cat .clang-tidy ${headers//\\/}; } | sha256sum | cut -c1-32)
    if [ -e "build/lint/tidy/$key" ]; then
        return 0
    fi
    if out=$(clang-tidy --quiet -p build/dev "$1" 2>/dev/null) && [ -z "$out" ]; then
        touch "build/lint/tidy/$key"
        return 0
    fi
    printf '%s\n%s\n' "$1" "$out"
    return 1
}

tidy() {
    local file command arguments=() bad=0
    local -A commands
    mkdir -p build/lint/tidy
    while IFS=$'\t' read -r file command; do
        commands[$file]=$command
    done < <(jq -r --arg root "$PWD/" '.[] | "\(.file | ltrimstr($root))\t\(.command | sub(" -o [^ ]+ -c "; " -MM "))"' \
        build/dev/compile_commands.json)
    for file in "${product_sources[@]}"; do
        if [ -n "${commands[$file]-}" ]; then
            arguments+=("$file" "${commands[$file]}")
        else
            printf '%s: no target is built from it\n' "$file"
            bad=1
        fi
    done
    export -f tidy_one
    # shellcheck disable=SC2016 # expanded by the inner shell
    printf '%s\0' "${arguments[@]}" | xargs -0 -n 2 -P "$(nproc)" bash -c 'tidy_one "$@"' _ || bad=1
    return "$bad"
}

# What of a file did not change since the last time is taken from the build folder.
cpp_check() {
    mkdir -p build/lint/cppcheck
    cppcheck --quiet --error-exitcode=1 --std=c11 --enable=warning,portability --inline-suppr \
        --suppress=missingIncludeSystem --suppress=unknownMacro --cppcheck-build-dir=build/lint/cppcheck \
        -I include -I operator -I sidecar -I cli -j "$(nproc)" "${c_sources[@]}"
}

# Functions that are not to be used, and why, are in CONTRIBUTING.md.
banned() {
    local pattern='\b(sprintf|vsprintf|strcpy|strcat|strncpy|strtok|strtok_r|atoi|atol|atof|gets|sleep|usleep|system|popen|strdup|strndup|asprintf|vasprintf)\('
    local allowed='\b(malloc|calloc|realloc|strtol|strtoll|strtoul|strtoull|strtod|exit)\('
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

# A component is no whole: it is rendered as part of the base. What is not ours in it is held against what is asked of
# it: names of metrics that the operator does not have make an alert that never fires.
components() { # KUBECTL
    local folder overlay metric bad=0
    mkdir -p build/lint
    overlay=$(mktemp -d build/lint/overlay.XXXXXX)
    while IFS= read -r folder; do
        folder=$(dirname "$folder")
        printf 'resources: [%s]\ncomponents: [%s]\nnamespace: elsewhere\n' \
            "$(realpath --relative-to="$overlay" manifests/base)" "$(realpath --relative-to="$overlay" "$folder")" \
            >"$overlay/kustomization.yaml"
        if ! "$1" kustomize "$overlay" >"$overlay/rendered"; then
            bad=1
        elif grep -n 'namespace: proget-operator$' "$overlay/rendered"; then
            printf '%s: does not follow to another namespace\n' "$folder"
            bad=1
        fi
    done < <(list 'manifests/components/*kustomization.yaml')
    while IFS= read -r metric; do
        if ! grep -q "\"$metric\"" operator/serve/*.c; then
            printf '%s: there is no such metric\n' "$metric"
            bad=1
        fi
    done < <(grep -ohE '\bproget_[a-z_]+\b' manifests/components/monitoring/rules.yaml docs/metrics.md | sort -u)
    while IFS= read -r metric; do
        if ! grep -q "\`$metric\`" docs/metrics.md; then
            printf 'docs/metrics.md: says nothing of %s\n' "$metric"
            bad=1
        fi
    done < <(grep -ohE '"(proget|process)_[a-z_]+"' operator/serve/*.c | tr -d '"' | sort -u)
    rm -rf "$overlay"
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
    components "$kubectl" || bad=1
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
check cppcheck cpp_check
check manifests manifests
check go go_sources
check traces traces
check clang-tidy tidy
if [ ${#failures[@]} -gt 0 ]; then
    printf 'lint: failed: %s\n' "${failures[*]}"
    exit 1
fi
printf 'lint: clean\n'
