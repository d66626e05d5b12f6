#!/usr/bin/env bash
# Prints the folder that holds the control plane's programs, building them first where they are not there.
# The programs: etcd, kube-apiserver, kube-controller-manager, kube-scheduler, kubectl.
# Source: $KUBEBUILDER_ASSETS where set, else the Go modules pinned in go.sum beside this script, built once into
# ${XDG_CACHE_HOME:-~/.cache}/proget-operator/control-plane-<hash of go.sum>. Progress goes to stderr.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
programs=(etcd kube-apiserver kube-controller-manager kube-scheduler kubectl)
version=$(awk '$1 == "k8s.io/kubernetes" && $2 ~ /^v/ { print $2; exit }' "$here/go.mod")

say() { printf '%s\n' "$*" >&2; }

has_all() {
    local program
    for program in "${programs[@]}"; do
        [ -x "$1/$program" ] || return 1
    done
}

if [ -n "${KUBEBUILDER_ASSETS:-}" ]; then
    if ! has_all "$KUBEBUILDER_ASSETS"; then
        say "control plane: KUBEBUILDER_ASSETS=$KUBEBUILDER_ASSETS lacks one of: ${programs[*]}." \
            "Unset it to have them built from source."
        exit 2
    fi
    printf '%s\n' "$KUBEBUILDER_ASSETS"
    exit 0
fi

cache_root=${XDG_CACHE_HOME:-$HOME/.cache}/proget-operator
key=$(cat "$here/go.sum" "$here/build.sh" | sha256sum | cut -c1-16)
target=$cache_root/control-plane-$version-$key
if has_all "$target"; then
    printf '%s\n' "$target"
    exit 0
fi

mkdir -p "$cache_root"
# One build at a time: a second caller waits for the first one's result instead of building beside it.
exec 9>"$cache_root/build.lock"
if ! flock -n 9; then
    say "control plane: another build is under way; waiting for it"
    flock 9
fi
if has_all "$target"; then
    printf '%s\n' "$target"
    exit 0
fi

say "control plane: building Kubernetes $version and etcd from source (about 8 minutes on 2 cores, once)"
partial=$(mktemp -d "$cache_root/partial.XXXXXX")
trap 'rm -rf "$partial"' EXIT
minor=${version#v1.}
minor=${minor%%.*}
stamp="-X k8s.io/component-base/version.gitVersion=$version -X k8s.io/component-base/version.gitMajor=1"
stamp+=" -X k8s.io/component-base/version.gitMinor=$minor"
cd "$here"
export CGO_ENABLED=0 GOFLAGS=-buildvcs=false
for program in "${programs[@]}"; do
    package=k8s.io/kubernetes/cmd/$program
    [ "$program" = etcd ] && package=go.etcd.io/etcd/server/v3
    say "control plane: building $program"
    go build -trimpath -ldflags "-s -w $stamp" -o "$partial/$program" "$package" >&2
done
rm -rf "$target"
mv "$partial" "$target"
trap - EXIT
chmod 755 "$target"
say "control plane: built, kept in $target"
printf '%s\n' "$target"
