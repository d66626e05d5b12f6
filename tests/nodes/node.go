package main

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/record"
)

const leaseNamespace = "kube-node-lease"

// node plays one kubelet towards the API server: the Node object, its conditions, its Lease.
type node struct {
	client    kubernetes.Interface
	config    nodeConfig
	address   string
	lease     time.Duration
	cpuPath   string
	hostsPath string
	recorder  record.EventRecorder
	uid       types.UID

	mutex      sync.Mutex
	alive      chan struct{} // closed while the kubelet runs
	running    bool
	gone       context.Context // ends when the node is removed
	remove     context.CancelFunc
	conditions map[corev1.NodeConditionType]corev1.NodeCondition
}

// hosts is a container's /etc/hosts, which a kubelet writes too. The vendor's activation server is kept at home: no
// test calls anybody outside.
const hosts = "127.0.0.1 localhost my.inedo.com\n::1 localhost\n"

func newNode(client kubernetes.Interface, config nodeConfig, address, state string, lease time.Duration) (*node, error) {
	n := &node{client: client, config: config, address: address, lease: lease, running: true,
		alive: make(chan struct{}), conditions: map[corev1.NodeConditionType]corev1.NodeCondition{}}
	close(n.alive)
	n.gone, n.remove = context.WithCancel(context.Background())
	n.setCondition(corev1.NodeMemoryPressure, corev1.ConditionFalse, "KubeletHasSufficientMemory", "kubelet has sufficient memory available")
	n.setCondition(corev1.NodeDiskPressure, corev1.ConditionFalse, "KubeletHasNoDiskPressure", "kubelet has no disk pressure")
	n.setCondition(corev1.NodePIDPressure, corev1.ConditionFalse, "KubeletHasSufficientPID", "kubelet has sufficient PID available")
	n.setCondition(corev1.NodeReady, corev1.ConditionTrue, "KubeletReady", "kubelet is posting ready status")
	directory := filepath.Join(state, "nodes", config.Name)
	n.cpuPath = filepath.Join(directory, "cpuinfo")
	n.hostsPath = filepath.Join(directory, "hosts")
	if err := os.MkdirAll(directory, 0o755); err != nil {
		return nil, err
	}
	if err := os.WriteFile(n.hostsPath, []byte(hosts), 0o644); err != nil {
		return nil, err
	}
	return n, os.WriteFile(n.cpuPath, []byte(config.CPU.text()), 0o644)
}

func (n *node) setCondition(kind corev1.NodeConditionType, status corev1.ConditionStatus, reason, message string) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	now := metav1.Now()
	changed := now
	if old, found := n.conditions[kind]; found && old.Status == status {
		changed = old.LastTransitionTime
	}
	n.conditions[kind] = corev1.NodeCondition{Type: kind, Status: status, Reason: reason, Message: message,
		LastHeartbeatTime: now, LastTransitionTime: changed}
}

// status is the whole Node status, with conditions in the kubelet's order.
func (n *node) status() corev1.NodeStatus {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	status := corev1.NodeStatus{
		Capacity: n.config.Capacity, Allocatable: n.config.Capacity,
		Addresses: []corev1.NodeAddress{{Type: corev1.NodeInternalIP, Address: n.address},
			{Type: corev1.NodeHostName, Address: n.config.Name}},
		NodeInfo: corev1.NodeSystemInfo{MachineID: n.config.Name, SystemUUID: n.config.Name, BootID: n.config.Name,
			KernelVersion: "6.1.0-simulated", OSImage: n.config.OSImage, ContainerRuntimeVersion: "process://1",
			KubeletVersion: "v1.36.3", OperatingSystem: "linux", Architecture: n.config.CPU.architecture()},
	}
	for _, kind := range []corev1.NodeConditionType{corev1.NodeMemoryPressure, corev1.NodeDiskPressure,
		corev1.NodePIDPressure, corev1.NodeReady} {
		condition := n.conditions[kind]
		condition.LastHeartbeatTime = metav1.Now()
		status.Conditions = append(status.Conditions, condition)
	}
	return status
}

// differs tells whether the object's conditions are not the kubelet's.
func (n *node) differs(object *corev1.Node) bool {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	for _, condition := range object.Status.Conditions {
		if own, found := n.conditions[condition.Type]; found && own.Status != condition.Status {
			return true
		}
	}
	return false
}

// register creates the Node, or takes over the one that is there.
func (n *node) register(ctx context.Context) error {
	labels := map[string]string{corev1.LabelOSStable: "linux", corev1.LabelArchStable: n.config.CPU.architecture()}
	if !n.config.WithoutLabel {
		labels[corev1.LabelHostname] = n.config.Name
	}
	for key, value := range n.config.Labels {
		labels[key] = value
	}
	object := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: n.config.Name, Labels: labels},
		Spec: corev1.NodeSpec{Taints: n.config.Taints}, Status: n.status()}
	created, err := n.client.CoreV1().Nodes().Create(ctx, object, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		if created, err = n.client.CoreV1().Nodes().Get(ctx, n.config.Name, metav1.GetOptions{}); err == nil {
			err = n.publish(ctx)
		}
	}
	if err == nil {
		n.uid = created.UID
	}
	return err
}

// publish writes the status as it is now.
func (n *node) publish(ctx context.Context) error {
	patch, err := json.Marshal(map[string]any{"status": n.status()})
	if err != nil {
		return err
	}
	_, err = n.client.CoreV1().Nodes().Patch(ctx, n.config.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
	return err
}

// renew moves the node's Lease, and makes it where it is not there.
func (n *node) renew(ctx context.Context) error {
	now := metav1.NowMicro()
	leases := n.client.CoordinationV1().Leases(leaseNamespace)
	patch, err := json.Marshal(map[string]any{"spec": map[string]any{"renewTime": now}})
	if err != nil {
		return err
	}
	_, err = leases.Patch(ctx, n.config.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	if !apierrors.IsNotFound(err) {
		return err
	}
	seconds := int32(n.lease / time.Second)
	lease := &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Name: n.config.Name, OwnerReferences: []metav1.OwnerReference{
			{APIVersion: "v1", Kind: "Node", Name: n.config.Name, UID: n.uid}}},
		Spec: coordinationv1.LeaseSpec{HolderIdentity: &n.config.Name, LeaseDurationSeconds: &seconds, RenewTime: &now}}
	_, err = leases.Create(ctx, lease, metav1.CreateOptions{})
	return err
}

// run renews the Lease four times in its duration, and the status every 5 minutes, until the node is removed.
func (n *node) run(ctx context.Context) {
	ticker := time.NewTicker(n.lease / 4)
	defer ticker.Stop()
	published := time.Now()
	for n.waitAlive(ctx) {
		if err := n.renew(ctx); err != nil && ctx.Err() == nil && n.gone.Err() == nil {
			slog.Warn("lease not renewed", "node", n.config.Name, "error", err)
		}
		if time.Since(published) > 5*time.Minute && n.publish(ctx) == nil {
			published = time.Now()
		}
		select {
		case <-ctx.Done():
			return
		case <-n.gone.Done():
			return
		case <-ticker.C:
		}
	}
}

// waitAlive returns at once while the kubelet runs, waits while it is dead; false once the node is gone.
func (n *node) waitAlive(ctx context.Context) bool {
	n.mutex.Lock()
	alive := n.alive
	n.mutex.Unlock()
	select {
	case <-ctx.Done():
		return false
	case <-n.gone.Done():
		return false
	case <-alive:
		return ctx.Err() == nil && n.gone.Err() == nil
	}
}

// isAlive tells without waiting.
func (n *node) isAlive() bool {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	return n.running && n.gone.Err() == nil
}

// stop makes the kubelet dead: no Lease, no status, nothing done for its pods. Their containers run on.
func (n *node) stop() {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	if n.running {
		n.running = false
		n.alive = make(chan struct{})
	}
}

// resume lets a dead kubelet come back: its conditions first, then everything that waited.
func (n *node) resume(ctx context.Context) error {
	if n.isAlive() {
		return nil
	}
	n.setCondition(corev1.NodeReady, corev1.ConditionTrue, "KubeletReady", "kubelet is posting ready status")
	if err := n.renew(ctx); err != nil {
		return err
	}
	if err := n.publish(ctx); err != nil {
		return err
	}
	n.mutex.Lock()
	defer n.mutex.Unlock()
	if !n.running {
		n.running = true
		close(n.alive)
	}
	return nil
}

func (n *node) setCPU(cpu *cpuConfig) error {
	n.mutex.Lock()
	n.config.CPU = cpu
	n.mutex.Unlock()
	// In place: running containers see the file through a mount.
	return os.WriteFile(n.cpuPath, []byte(cpu.text()), 0o644)
}

// reference is the Node as Events name it: kubelets use the name as uid.
func (n *node) reference() *corev1.ObjectReference {
	return &corev1.ObjectReference{Kind: "Node", Name: n.config.Name, UID: types.UID(n.config.Name)}
}
