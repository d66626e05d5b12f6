# Certificates and kubeconfigs of the test control plane; to be sourced by start.sh.
# shellcheck shell=bash

# certificates_authority DIR: the test CA, valid for two days.
certificates_authority() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=proget-operator-test-ca \
        -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign \
        -keyout "$1/ca.key" -out "$1/ca.crt" 2>/dev/null
}

# certificates_issue DIR NAME SUBJECT EXTENSIONS: DIR/NAME.crt and DIR/NAME.key, signed by the test CA.
certificates_issue() {
    local directory=$1 name=$2 subject=$3 extensions=$4
    openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "$subject" \
        -keyout "$directory/$name.key" -out "$directory/$name.csr" 2>/dev/null
    openssl x509 -req -in "$directory/$name.csr" -CA "$directory/ca.crt" -CAkey "$directory/ca.key" -days 2 \
        -set_serial "0x$(openssl rand -hex 8)" -out "$directory/$name.crt" \
        -extfile <(printf 'basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n%s\n' "$extensions") \
        2>/dev/null
    rm "$directory/$name.csr"
}

# certificates_all DIR: everything that the four programs need.
certificates_all() {
    local directory=$1 client=extendedKeyUsage=clientAuth names
    names=DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc
    names+=,DNS:kubernetes.default.svc.cluster.local,DNS:localhost,IP:127.0.0.1,IP:10.0.0.1
    certificates_authority "$directory"
    certificates_issue "$directory" apiserver /CN=kube-apiserver \
        "extendedKeyUsage=serverAuth"$'\n'"subjectAltName=$names"
    certificates_issue "$directory" admin /O=system:masters/CN=admin "$client"
    certificates_issue "$directory" process-nodes /O=system:masters/CN=process-nodes "$client"
    certificates_issue "$directory" kube-controller-manager /CN=system:kube-controller-manager "$client"
    certificates_issue "$directory" kube-scheduler /CN=system:kube-scheduler "$client"
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$directory/service-account.key" 2>/dev/null
    openssl pkey -in "$directory/service-account.key" -pubout -out "$directory/service-account.pub"
}

# kubeconfig_write DIR NAME SERVER FILE: a kubeconfig that carries its certificates, for the client NAME.
kubeconfig_write() {
    local directory=$1 name=$2 server=$3 file=$4
    (umask 077 && cat >"$file") <<END
apiVersion: v1
kind: Config
clusters:
- name: test
  cluster:
    server: $server
    certificate-authority-data: $(base64 -w0 <"$directory/ca.crt")
users:
- name: $name
  user:
    client-certificate-data: $(base64 -w0 <"$directory/$name.crt")
    client-key-data: $(base64 -w0 <"$directory/$name.key")
contexts:
- name: test
  context: {cluster: test, user: $name}
current-context: test
END
}
