#!/bin/sh
# Creates the two Secrets of the sample: a new random encryption key, and the PostgreSQL connection string, which is
# read from standard input. What is already there stays: another key would lock ProGet out of what it has encrypted.
#   create-secrets.sh [NAMESPACE] < connection-string.txt
set -eu
namespace=${1:-proget}

# Prints the Secret's name where it is there. An API server that does not answer ends the script: that is no "no".
find_secret() {
    kubectl --namespace "$namespace" get secret "$1" --ignore-not-found --output name
}

namespace_found=$(kubectl get namespace "$namespace" --ignore-not-found --output name)
if [ -z "$namespace_found" ]; then
    kubectl create namespace "$namespace"
fi

key_found=$(find_secret proget-encryption-key)
if [ -n "$key_found" ]; then
    echo "$key_found is there, unchanged"
else
    od -An -v -N16 -tx1 /dev/urandom | tr -d ' \n' |
        kubectl --namespace "$namespace" create secret generic proget-encryption-key --from-file=key=/dev/stdin
    echo "Keep a copy of the key in a safe place: without it a restored database cannot be decrypted."
fi

database_found=$(find_secret proget-database)
if [ -n "$database_found" ]; then
    echo "$database_found is there, unchanged"
else
    if [ -t 0 ]; then
        echo "Connection string of PostgreSQL, one line, then Ctrl-D" \
            "(such as: Host=db.example.com; Database=proget; Username=proget; Password=…):" >&2
    fi
    connection_string=$(tr -d '\r\n')
    if [ -z "$connection_string" ]; then
        echo "create-secrets.sh: no connection string on standard input; secret/proget-database is not created" >&2
        exit 2
    fi
    printf '%s' "$connection_string" |
        kubectl --namespace "$namespace" create secret generic proget-database --from-file=connection-string=/dev/stdin
fi
