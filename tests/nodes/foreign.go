package main

import (
	"fmt"
	"log/slog"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
)

// foreignPods plays the kubelet for pods without a single process: one status when they come, one deletion when they
// go. They have no goroutine and no state of their own.
type foreignPods struct {
	manager *manager
	queue   workqueue.TypedRateLimitingInterface[string]
}

const foreignWorkers = 8

func newForeignPods(m *manager) *foreignPods {
	f := &foreignPods{manager: m,
		queue: workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[string]())}
	for range foreignWorkers {
		m.background.Go(f.run)
	}
	m.background.Go(func() {
		<-m.ctx.Done()
		f.queue.ShutDown()
	})
	return f
}

func (f *foreignPods) add(pod *corev1.Pod) {
	if pod.DeletionTimestamp != nil || pod.Status.Phase == corev1.PodPending || lostReadiness(pod) {
		f.queue.Add(pod.Namespace + "/" + pod.Name)
	}
}

func (f *foreignPods) run() {
	for {
		key, shutdown := f.queue.Get()
		if shutdown {
			return
		}
		if err := f.sync(key); err != nil && f.manager.ctx.Err() == nil {
			slog.Debug("foreign pod", "pod", key, "error", err)
			f.queue.AddRateLimited(key)
		} else {
			f.queue.Forget(key)
		}
		f.queue.Done(key)
	}
}

// lookup finds a pod in the cache, with its node; nil where there is nothing to do.
func (f *foreignPods) lookup(key string) (*corev1.Pod, *node, error) {
	namespace, name, err := cache.SplitMetaNamespaceKey(key)
	if err != nil {
		return nil, nil, err
	}
	pod, err := f.manager.factory.Core().V1().Pods().Lister().Pods(namespace).Get(name)
	if apierrors.IsNotFound(err) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	n, err := f.manager.node(pod.Spec.NodeName)
	if err != nil {
		return nil, nil, nil
	}
	return pod, n, nil
}

func (f *foreignPods) sync(key string) error {
	pod, n, err := f.lookup(key)
	if err != nil || pod == nil || !n.isAlive() {
		return err // a node that comes back has its pods looked at again
	}
	if pod.DeletionTimestamp != nil {
		return deletePod(f.manager.ctx, f.manager.client, pod)
	}
	switch {
	case pod.Status.Phase == corev1.PodPending:
		return f.write(foreignView(pod, n, f.manager.addresses.pod()))
	case lostReadiness(pod):
		return f.write(foreignView(pod, n, pod.Status.PodIP))
	}
	return nil
}

// lostReadiness: the node controller took the pod for unready while its node seemed dead.
func lostReadiness(pod *corev1.Pod) bool {
	if pod.Status.Phase != corev1.PodRunning || len(pod.Spec.ReadinessGates) > 0 {
		return false
	}
	for _, condition := range pod.Status.Conditions {
		if condition.Type == corev1.PodReady {
			return condition.Status != corev1.ConditionTrue
		}
	}
	return false
}

func (f *foreignPods) write(view *podView) error {
	patch, err := statusPatch(view)
	if err != nil {
		return err
	}
	_, err = f.manager.client.CoreV1().Pods(view.pod.Namespace).
		Patch(f.manager.ctx, view.pod.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) || apierrors.IsInvalid(err) {
		return nil
	}
	return err
}

// foreignView shows every container as running, and ready.
func foreignView(pod *corev1.Pod, n *node, address string) *podView {
	view := &podView{pod: pod, containers: newContainers(pod, nil), startTime: metav1.Now(), podIP: address,
		hostIP: n.address, conditions: knownConditions(pod)}
	if pod.Status.StartTime != nil {
		view.startTime = *pod.Status.StartTime
	}
	for _, c := range view.containers {
		c.noteStart(nil)
		c.started, c.ready = true, true
		if c.init && !c.sidecar {
			c.noteEnd(0, &options{})
			c.completed = true
		}
	}
	return view
}

// evict is an eviction of a pod without processes.
func (f *foreignPods) evict(key, kind string) error {
	pod, n, err := f.lookup(key)
	if err != nil {
		return err
	}
	if pod == nil {
		return fmt.Errorf("no pod %s on these nodes", key)
	}
	e, err := newEviction(kind, pod)
	if err != nil {
		return err
	}
	announceEviction(n, pod, e)
	view := foreignView(pod, n, pod.Status.PodIP)
	for _, c := range view.containers {
		if c.running {
			c.noteEnd(137, &options{})
		}
	}
	view.ending, view.deleting = &e.ending, true
	return f.write(view)
}
