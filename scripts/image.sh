#!/usr/bin/env bash
# Builds the container images of the operator and of the sidecar, and puts them into build/images/ as OCI archives.
# No daemon is needed, and with --debootstrap no registry; nothing else stays behind. See docs/image.md.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
default_base=$(sed -n 's/^ARG BASE=//p' Dockerfile)
version=$(sed -n 's/^project(proget-operator VERSION \([0-9.]*\) .*/\1/p' CMakeLists.txt)
output=build/images

usage() {
    cat <<EOF
Usage: image.sh [--debootstrap]
Builds proget-operator:$version and proget-sidecar:$version with buildah, as OCI archives in $output/.

  --debootstrap   make the base image of the build here, of the running Debian's release, with debootstrap (as root).
                  For machines that reach Debian's packages and no image registry
  --help

Variables:
  BASE                the base image of the build; default: $default_base.
                      A file will do too: oci-archive:/path/to/base.tar
  SOURCE_DATE_EPOCH   what files and images are dated with; default: the time of the last commit
  TMPDIR              where the build takes place; default: /var/tmp. It takes 2 GB
EOF
}

say() { printf '%s\n' "$*" >&2; }

refuse() {
    say "image.sh: $*"
    exit 2
}

# A storage of its own: nothing in it outlives this script, and nobody's own images are touched.
in_storage() {
    TMPDIR=$work buildah --storage-driver vfs --root "$work/storage" --runroot "$work/run" "$@"
}

clean_up() {
    if [ "$(id -u)" = 0 ]; then
        rm -rf --one-file-system "$work"
    else
        buildah unshare rm -rf --one-file-system "$work" # files of other users, within this user's range of ids
    fi
}

# Runs quietly; shows what was said where it fails.
quietly() {
    if ! "$@" >"$work/log" 2>&1 </dev/null; then
        tail -n 60 "$work/log" >&2
        return 1
    fi
}

# Lines of a sources.list: the running Debian, its updates and its security updates, from where this machine has them.
debian_sources() {
    local codename=$1
    # shellcheck disable=SC2016 # apt's placeholders, not the shell's
    apt-get indextargets --format 'deb $(REPO_URI) $(CODENAME) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' |
        awk -v codename="$codename" \
            '$3 == codename || $3 == codename "-updates" || $3 == codename "-security"' | sort -u
}

make_base() {
    [ "$(id -u)" = 0 ] || refuse "--debootstrap needs root"
    command -v debootstrap >/dev/null || refuse "debootstrap is missing: scripts/install-packages.sh image"
    local codename sources mirror root=$work/base
    # shellcheck source=/dev/null
    codename=$(. /etc/os-release && [ "$ID" = debian ] && printf '%s' "$VERSION_CODENAME") ||
        refuse "--debootstrap makes the running Debian's release, and this is no Debian; set BASE"
    sources=$(debian_sources "$codename")
    mirror=$(awk -v codename="$codename" '$3 == codename { print $2; exit }' <<<"$sources")
    [ -n "$mirror" ] || refuse "apt knows no package source of Debian $codename here: run apt-get update, or set BASE"
    say "Making a base image of Debian $codename"
    # In a mount namespace of its own, so that no mount outlives an interruption.
    quietly unshare --mount debootstrap --variant=minbase --include=ca-certificates "$codename" "$root" "$mirror" ||
        refuse "debootstrap failed; what it said is above"
    rm -rf "${root:?}"/dev/* "${root:?}"/var/cache/apt/archives/*.deb "${root:?}"/var/lib/apt/lists/*
    printf '%s\n' "$sources" >"$root/etc/apt/sources.list"
    printf 'FROM scratch\nCOPY . /\n' >"$work/Dockerfile.base"
    quietly in_storage build --isolation chroot --file "$work/Dockerfile.base" --tag localhost/proget-base "$root" ||
        refuse "the base image could not be imported; what buildah said is above"
    rm -rf --one-file-system "$root"
    base=localhost/proget-base
}

find_base() {
    base=${BASE:-}
    if [ "$debootstrap" = yes ]; then
        make_base
    elif [ -z "$base" ]; then
        base=$default_base
        say "Fetching $base"
        in_storage pull --quiet "$base" >"$work/log" 2>&1 </dev/null || {
            tail -n 1 "$work/log" >&2
            refuse "$base cannot be fetched from here: set BASE to a Debian image that can," \
                "or let --debootstrap make one from Debian's packages."
        }
    fi
}

# Builds one target of the Dockerfile: build TARGET NAME [OPTION...]
build() {
    local target=$1 image=$2
    shift 2
    say "Building ${image##*/}"
    quietly in_storage build --isolation chroot --target "$target" --tag "$image" \
        --timestamp "$epoch" --identity-label=false \
        --build-arg BASE="$base" --build-arg VERSION="$version" --build-arg SOURCE_DATE_EPOCH="$epoch" "$@" . ||
        refuse "${image##*/} could not be built; what was said is above"
}

# Builds the image of one program from the programs that were built before, and writes it.
write_image() {
    local name=$1 labels=() digest size
    # Under the whole name that a node looks for when a manifest says plain NAME:VERSION.
    local image=docker.io/library/proget-$name:$version archive=$output/proget-$name-$version.tar
    [ -z "$revision" ] || labels=(--label "org.opencontainers.image.revision=$revision")
    build "$name" "$image" --build-context "programs=container-image://$programs" "${labels[@]}"
    quietly in_storage push --digestfile "$work/digest" "$image" "oci-archive:$work/archive.tar:$image" ||
        refuse "$image could not be written; what buildah said is above"
    mv "$work/archive.tar" "$archive"
    digest=$(cat "$work/digest")
    size=$(in_storage images --format '{{.Size}}' "$image")
    printf '%s  %s  %s packed, %s unpacked  %s\n' "proget-$name:$version" "$archive" \
        "$(numfmt --to=si --suffix=B "$(stat -c %s "$archive")")" "${size/ /}" "$digest"
}

debootstrap=no
while [ $# -gt 0 ]; do
    case $1 in
    --debootstrap) debootstrap=yes ;;
    --help)
        usage
        exit 0
        ;;
    *)
        usage >&2
        exit 2
        ;;
    esac
    shift
done
[ "$debootstrap" = no ] || [ -z "${BASE:-}" ] || refuse "--debootstrap makes the base, but BASE names one: unset it"
command -v buildah >/dev/null || refuse "buildah is missing: scripts/install-packages.sh image"

epoch=${SOURCE_DATE_EPOCH:-$(git log -1 --format=%ct 2>/dev/null || echo 0)}
revision=
# What was not committed has no revision to its name.
if [ -z "$(git status --porcelain 2>&1)" ]; then
    revision=$(git rev-parse --quiet --verify HEAD || true)
fi
work=$(mktemp -d "${TMPDIR:-/var/tmp}/proget-image.XXXXXX")
trap clean_up EXIT
trap 'exit 130' INT TERM
find_base
programs=localhost/proget-programs
build programs "$programs"
mkdir -p "$output"
write_image operator
write_image sidecar
