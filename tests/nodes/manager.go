package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/record"
)

// manager holds the nodes and hands each pod to whoever plays its kubelet.
type manager struct {
	ctx         context.Context
	options     *options
	client      kubernetes.Interface
	starter     *starter
	addresses   *addresses
	broadcaster record.EventBroadcaster
	scratch     string
	serviceHost string
	servicePort string
	foreign     *foreignPods
	factory     informers.SharedInformerFactory
	background  sync.WaitGroup

	mutex    sync.Mutex
	nodes    map[string]*node
	workers  map[types.UID]*podWorker
	refusals map[string]bool // pods by namespace/name that are not admitted the next time they come
}

// runNodes plays all nodes until the context ends.
func runNodes(ctx context.Context, options *options) error {
	started := time.Now()
	m, err := newManager(ctx, options)
	if err != nil {
		return err
	}
	defer m.addresses.guard.Close()
	defer m.broadcaster.Shutdown()
	if err := m.startInformers(); err != nil {
		return err
	}
	server, err := listenControl(m)
	if err != nil {
		return err
	}
	defer server.Close()
	if err := m.addNodes(options.nodes); err != nil {
		return err
	}
	fmt.Printf("process-nodes: %d nodes ready in %d ms, products listen on port %d\n", len(options.nodes),
		time.Since(started).Milliseconds(), options.productPort)
	<-ctx.Done()
	m.background.Wait()
	return nil
}

func newManager(ctx context.Context, options *options) (*manager, error) {
	config, err := clientcmd.BuildConfigFromFlags("", options.kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS, config.Burst = -1, -1
	config.UserAgent = "process-nodes"
	m := &manager{ctx: ctx, options: options, scratch: filepath.Join(options.state, "scratch"), nodes: map[string]*node{},
		workers: map[types.UID]*podWorker{}, refusals: map[string]bool{}}
	if err := os.MkdirAll(options.state, 0o700); err != nil {
		return nil, err
	}
	if err := errors.Join(os.MkdirAll(m.scratch, 0o755), os.RemoveAll(filepath.Join(options.state, "pods"))); err != nil {
		return nil, err
	}
	if options.activations != "" {
		if err := os.MkdirAll(options.activations, 0o777); err != nil {
			return nil, err
		}
	}
	if m.serviceHost, m.servicePort, err = serviceAddress(config, options.serviceAddress); err != nil {
		return nil, err
	}
	if m.starter, err = newStarter(); err != nil {
		return nil, err
	}
	if err := m.starter.check(m.scratch); err != nil {
		return nil, err
	}
	if m.client, err = kubernetes.NewForConfig(config); err != nil {
		return nil, err
	}
	if m.addresses, err = newAddresses(); err != nil {
		return nil, err
	}
	if options.productPort == 0 {
		if options.productPort, err = m.addresses.freePort(); err != nil {
			return nil, err
		}
	}
	// A kubelet says at most 25 things in a row about one object; tests provoke more than that, and none may get lost.
	m.broadcaster = record.NewBroadcaster(record.WithCorrelatorOptions(record.CorrelatorOptions{BurstSize: 1000, QPS: 10}))
	m.broadcaster.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: m.client.CoreV1().Events("")})
	m.foreign = newForeignPods(m)
	return m, nil
}

// serviceAddress is where containers find the API server.
func serviceAddress(config *rest.Config, own string) (string, string, error) {
	if own == "" {
		server, err := url.Parse(config.Host)
		if err != nil {
			return "", "", err
		}
		own = server.Host
	}
	host, port, err := net.SplitHostPort(own)
	if err != nil {
		return "", "", fmt.Errorf("the API server's address %q has no port: %w", own, err)
	}
	return host, port, nil
}

// addNodes registers nodes, several at a time.
func (m *manager) addNodes(configs []nodeConfig) error {
	results := make([]error, len(configs))
	turns := make(chan struct{}, 8)
	var waiting sync.WaitGroup
	for i := range configs {
		waiting.Go(func() {
			turns <- struct{}{}
			defer func() { <-turns }()
			results[i] = m.addNode(configs[i])
		})
	}
	waiting.Wait()
	return errors.Join(results...)
}

func (m *manager) addNode(config nodeConfig) error {
	m.mutex.Lock()
	_, taken := m.nodes[config.Name]
	m.mutex.Unlock()
	if taken {
		return fmt.Errorf("node %s is there already", config.Name)
	}
	n, err := newNode(m.client, config, m.addresses.node(), m.options.state, m.options.lease)
	if err != nil {
		return err
	}
	n.recorder = m.broadcaster.NewRecorder(scheme.Scheme, corev1.EventSource{Component: "kubelet", Host: config.Name})
	if err := n.register(m.ctx); err != nil {
		return fmt.Errorf("node %s: %w", config.Name, err)
	}
	if err := n.renew(m.ctx); err != nil {
		return fmt.Errorf("lease of node %s: %w", config.Name, err)
	}
	m.mutex.Lock()
	m.nodes[config.Name] = n
	m.mutex.Unlock()
	m.background.Go(func() { n.run(m.ctx) })
	m.revisit(config.Name)
	return nil
}

// node finds a node by name.
func (m *manager) node(name string) (*node, error) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if n := m.nodes[name]; n != nil {
		return n, nil
	}
	return nil, fmt.Errorf("no node %q", name)
}

// removeNode is the loss of the machine together with its Node object.
func (m *manager) removeNode(name string) error {
	n, err := m.node(name)
	if err != nil {
		return err
	}
	m.mutex.Lock()
	delete(m.nodes, name)
	m.mutex.Unlock()
	n.stop()
	n.remove()
	err = m.client.CoreV1().Nodes().Delete(m.ctx, name, metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// onPod hands a pod that is new or has changed to its worker.
func (m *manager) onPod(pod *corev1.Pod) {
	if pod.Spec.NodeName == "" {
		return
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	n := m.nodes[pod.Spec.NodeName]
	if n == nil {
		return
	}
	if worker := m.workers[pod.UID]; worker != nil {
		worker.mail.post(func() { worker.update(pod) })
		return
	}
	terminal := pod.Status.Phase == corev1.PodFailed || pod.Status.Phase == corev1.PodSucceeded
	name := pod.Namespace + "/" + pod.Name
	if m.refusals[name] && pod.Status.StartTime == nil && !terminal {
		delete(m.refusals, name)
		m.background.Go(func() { m.refuse(n, pod) })
		return
	}
	if terminal || m.isForeign(pod) {
		m.foreign.add(pod)
		return
	}
	worker := newPodWorker(m, n, pod)
	m.workers[pod.UID] = worker
	m.background.Go(worker.run)
}

// onPodGone ends what is left of a pod whose object is gone, for instance after a forced deletion.
func (m *manager) onPodGone(pod *corev1.Pod) {
	m.mutex.Lock()
	worker := m.workers[pod.UID]
	m.mutex.Unlock()
	if worker != nil {
		// Through the mailbox: a dead kubelet does not notice before it is back.
		worker.mail.post(func() { worker.deleted = true })
	}
}

// isForeign: no container of the pod has a program here.
func (m *manager) isForeign(pod *corev1.Pod) bool {
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			if m.options.programs.find(list[i].Image) != nil {
				return false
			}
		}
	}
	return true
}

// refuse is the kubelet's admission: the pod fails and never has a container.
func (m *manager) refuse(n *node, pod *corev1.Pod) {
	refusal := admissionRefusal()
	n.recorder.Event(podReference(pod, ""), corev1.EventTypeWarning, refusal.reason, withoutPrefix(refusal.message))
	patch, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"uid": pod.UID},
		"status": map[string]any{"phase": refusal.phase, "reason": refusal.reason, "message": refusal.message,
			"startTime": metav1.Now(), "observedGeneration": pod.Generation},
	})
	if err == nil {
		_, err = m.client.CoreV1().Pods(pod.Namespace).
			Patch(m.ctx, pod.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
	}
	if err != nil {
		slog.Warn("refusal not written", "pod", pod.Namespace+"/"+pod.Name, "error", err)
	}
}

func (m *manager) drop(worker *podWorker) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	delete(m.workers, worker.view.pod.UID)
}

// worker finds a pod that has processes, by "namespace/name".
func (m *manager) worker(name string) *podWorker {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	for _, worker := range m.workers {
		worker.mutex.Lock()
		match := worker.snapshot.Namespace+"/"+worker.snapshot.Name == name
		worker.mutex.Unlock()
		if match {
			return worker
		}
	}
	return nil
}

// productURL is where the product of a pod answers.
func (m *manager) productURL(podIP string) string {
	return "http://" + net.JoinHostPort(podIP, strconv.Itoa(m.options.productPort))
}

// deletePod is the kubelet's last word on a pod.
func deletePod(ctx context.Context, client kubernetes.Interface, pod *corev1.Pod) error {
	now := int64(0)
	err := client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, metav1.DeleteOptions{GracePeriodSeconds: &now,
		Preconditions: &metav1.Preconditions{UID: &pod.UID}})
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}
	return err
}
