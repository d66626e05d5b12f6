package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"k8s.io/client-go/tools/clientcmd"
)

// peerProcess is the running bench-peer. It ends when its standard input does, thus also when this program dies.
type peerProcess struct {
	command *exec.Cmd
	input   io.WriteCloser
}

// startPeer gives the peer what the operator has, a ServiceAccount with the operator's role, so that the API server
// spends the same on both; and waits until its caches are filled.
func (b *bench) startPeer() error {
	if err := b.makeNamespace("bench-peer"); err != nil {
		return err
	}
	account := &corev1.ServiceAccount{ObjectMeta: metav1.ObjectMeta{Name: "bench-peer"}}
	if _, err := b.client.CoreV1().ServiceAccounts("bench-peer").Create(b.ctx, account, metav1.CreateOptions{}); err != nil {
		return err
	}
	binding := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "bench-peer"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "proget-operator"},
		Subjects:   []rbacv1.Subject{{Kind: "ServiceAccount", Namespace: "bench-peer", Name: "bench-peer"}},
	}
	if _, err := b.client.RbacV1().ClusterRoleBindings().Create(b.ctx, binding, metav1.CreateOptions{}); err != nil {
		return err
	}
	hours := int64(3 * 3600)
	token, err := b.client.CoreV1().ServiceAccounts("bench-peer").CreateToken(b.ctx, "bench-peer",
		&authenticationv1.TokenRequest{Spec: authenticationv1.TokenRequestSpec{ExpirationSeconds: &hours}},
		metav1.CreateOptions{})
	if err != nil {
		return err
	}
	path := filepath.Join(b.options.work, "peer.kubeconfig")
	if err := b.writeKubeconfig(path, token.Status.Token); err != nil {
		return err
	}
	return b.launchPeer(path)
}

func (b *bench) writeKubeconfig(path, token string) error {
	file := clientcmdapi.NewConfig()
	file.Clusters["test"] = &clientcmdapi.Cluster{Server: b.config.Host, CertificateAuthorityData: b.config.CAData,
		CertificateAuthority: b.config.CAFile}
	file.AuthInfos["bench-peer"] = &clientcmdapi.AuthInfo{Token: token}
	file.Contexts["test"] = &clientcmdapi.Context{Cluster: "test", AuthInfo: "bench-peer"}
	file.CurrentContext = "test"
	return clientcmd.WriteToFile(*file, path)
}

func (b *bench) launchPeer(kubeconfig string) error {
	command := exec.Command(b.options.peer)
	command.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig)
	command.Stderr = os.Stderr
	input, err := command.StdinPipe()
	if err != nil {
		return err
	}
	output, err := command.StdoutPipe()
	if err != nil {
		return err
	}
	if err := command.Start(); err != nil {
		return err
	}
	b.peerProcess = &peerProcess{command: command, input: input}
	line, err := bufio.NewReader(output).ReadString('\n')
	if line != "synced\n" {
		return fmt.Errorf("the peer said %q instead of synced: %w", line, err)
	}
	return nil
}

func (p *peerProcess) stop() error {
	if err := p.input.Close(); err != nil {
		return err
	}
	return p.command.Wait()
}
