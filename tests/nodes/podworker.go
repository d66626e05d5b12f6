package main

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// podWorker plays the kubelet for one pod that has processes. Everything but the snapshot belongs to its goroutine,
// which takes one thing at a time from the mailbox, and none while the node's kubelet is dead.
type podWorker struct {
	manager *manager
	node    *node
	mail    *mailbox
	ctx     context.Context
	cancel  context.CancelFunc

	view     podView
	facts    podFacts
	volumes  *volumes
	prepared bool
	// initialized: every init container has had its turn; sidecars that restart hold nothing up any more
	initialized bool
	tokenTimer  *time.Timer
	stopping    bool // no container starts any more
	quiet       bool // an eviction is under way: no status before all containers have ended
	finished    bool // all containers have ended
	deleted     bool // the object has been deleted
	pause       *process
	published   []byte
	onFinish    []func()

	mutex     sync.Mutex
	snapshot  podSnapshot
	processes map[string]*process
}

// podSnapshot is what `list` shows of a pod.
type podSnapshot struct {
	Namespace  string              `json:"namespace"`
	Name       string              `json:"name"`
	UID        string              `json:"uid"`
	Node       string              `json:"node"`
	IP         string              `json:"ip"`
	URL        string              `json:"url"` // where the pod's simulated product listens
	Phase      string              `json:"phase"`
	Containers []containerSnapshot `json:"containers"`
}

type containerSnapshot struct {
	Name     string `json:"name"`
	PID      int    `json:"pid,omitempty"`
	Running  bool   `json:"running"`
	Ready    bool   `json:"ready"`
	Restarts int32  `json:"restarts"`
	Log      string `json:"log,omitempty"`
}

func newPodWorker(m *manager, n *node, pod *corev1.Pod) *podWorker {
	w := &podWorker{manager: m, node: n, mail: newMailbox(), processes: map[string]*process{}}
	w.ctx, w.cancel = context.WithCancel(m.ctx)
	w.view = podView{pod: pod, containers: newContainers(pod, m.options.programs), startTime: metav1.Now(),
		hostIP: n.address, conditions: knownConditions(pod)}
	if pod.Status.StartTime != nil {
		w.view.startTime = *pod.Status.StartTime
	}
	for _, c := range w.view.containers {
		c.adopt(pod.Status.InitContainerStatuses)
		c.adopt(pod.Status.ContainerStatuses)
	}
	w.facts = podFacts{podIP: m.addresses.pod(), hostIP: n.address, allocatable: n.config.Capacity}
	w.volumes = newVolumes(m.client, filepath.Join(m.options.state, "pods", string(pod.UID), "volumes"),
		filepath.Join(m.options.state, "claims"))
	w.mail.post(func() { w.update(pod) })
	return w
}

// run serves the mailbox until the pod or its node is gone.
func (w *podWorker) run() {
	defer w.close()
	for {
		select {
		case <-w.ctx.Done():
			return
		case <-w.node.gone.Done():
			return
		case <-w.mail.signal:
		}
		for _, item := range w.mail.take() {
			if !w.node.waitAlive(w.ctx) {
				return
			}
			item()
			w.step()
			if w.deleted {
				return
			}
		}
		w.publish()
	}
}

// close ends what is still there. On a removed node that is the machine's death.
func (w *podWorker) close() {
	w.mail.close()
	w.cancel()
	w.mutex.Lock()
	processes := w.processes
	w.processes = map[string]*process{}
	w.mutex.Unlock()
	if w.manager.ctx.Err() != nil {
		terminateAll(processes)
	}
	for _, running := range processes {
		running.send(syscall.SIGKILL)
	}
	if w.pause != nil {
		w.pause.send(syscall.SIGKILL)
	}
	for _, running := range processes {
		<-running.done
	}
	_ = os.RemoveAll(filepath.Join(w.manager.options.state, "pods", string(w.view.pod.UID)))
	w.manager.drop(w)
}

// terminateAll gives processes the chance to end by themselves when process-nodes ends.
func terminateAll(processes map[string]*process) {
	for _, running := range processes {
		running.send(syscall.SIGTERM)
	}
	deadline := time.Now().Add(3 * time.Second)
	for _, running := range processes {
		running.endsWithin(time.Until(deadline))
	}
}

// after posts an item later.
func (w *podWorker) after(delay time.Duration, item func()) {
	time.AfterFunc(max(0, delay), func() { w.mail.post(item) })
}

// update takes in a new version of the object.
func (w *podWorker) update(pod *corev1.Pod) {
	old := w.view.pod
	w.view.pod = pod
	if w.prepared && !w.stopping && (!maps.Equal(old.Labels, pod.Labels) || !maps.Equal(old.Annotations, pod.Annotations)) &&
		hasDownwardFiles(pod) {
		w.refreshVolumes()
	}
	if overwritten(pod, w.view.conditions) {
		w.published = nil
	}
	if pod.DeletionTimestamp == nil {
		return
	}
	switch {
	case w.finished:
		w.deleteObject()
	case !w.stopping:
		grace := int64(30)
		if pod.DeletionGracePeriodSeconds != nil {
			grace = *pod.DeletionGracePeriodSeconds
		}
		w.view.deleting = true
		w.stop(stopPlan{grace: time.Duration(grace) * time.Second})
	default:
		w.view.deleting = true
	}
}

// overwritten tells whether somebody else (the node controller, while the node seemed dead) has changed a condition
// that is the kubelet's: it writes its own view again.
func overwritten(pod *corev1.Pod, own map[corev1.PodConditionType]corev1.PodCondition) bool {
	for _, condition := range pod.Status.Conditions {
		if known, found := own[condition.Type]; found && known.Status != condition.Status {
			return true
		}
	}
	return false
}

// step starts whatever may start now: native sidecars and init containers in order, then the main containers.
func (w *podWorker) step() {
	if w.stopping || w.deleted {
		return
	}
	if !w.prepared && !w.prepare() {
		return
	}
	for _, c := range w.view.containers {
		if !c.init || c.completed {
			continue
		}
		w.ensure(c)
		if w.stopping {
			return
		}
		if !c.completed && !w.initialized && !(c.sidecar && c.started) {
			return
		}
	}
	w.initialized = true
	over := true
	for _, c := range w.view.containers {
		if c.init {
			continue
		}
		if !c.completed {
			w.ensure(c)
		}
		over = over && c.completed
	}
	if over {
		w.stop(stopPlan{grace: w.grace()})
	}
}

// grace is the pod's own grace period.
func (w *podWorker) grace() time.Duration {
	if seconds := w.view.pod.Spec.TerminationGracePeriodSeconds; seconds != nil {
		return time.Duration(*seconds) * time.Second
	}
	return 30 * time.Second
}

// prepare gives the pod its address and its volumes; false where something is missing still (tried again later).
func (w *podWorker) prepare() bool {
	next, err := w.volumes.refresh(w.ctx, w.view.pod, w.facts)
	if err != nil {
		w.event(corev1.EventTypeWarning, "FailedMount", err.Error(), "")
		w.after(time.Second, func() {})
		return false
	}
	w.prepared = true
	w.view.podIP = w.facts.podIP
	w.renewTokens(next)
	return true
}

// refreshVolumes brings the files up to date after an object that they come from has changed.
func (w *podWorker) refreshVolumes() {
	next, err := w.volumes.refresh(w.ctx, w.view.pod, w.facts)
	if err != nil {
		slog.Debug("volumes not refreshed", "pod", w.view.pod.Name, "error", err)
		if w.ctx.Err() == nil {
			w.renewTokens(time.Now().Add(5 * time.Second))
		}
		return
	}
	w.renewTokens(next)
}

func (w *podWorker) renewTokens(next time.Time) {
	if w.tokenTimer != nil {
		w.tokenTimer.Stop()
		w.tokenTimer = nil
	}
	if !next.IsZero() {
		w.tokenTimer = time.AfterFunc(max(0, time.Until(next)), func() {
			w.mail.post(func() {
				if !w.stopping {
					w.refreshVolumes()
				}
			})
		})
	}
}

// hasDownwardFiles tells whether labels and annotations may show in the pod's files.
func hasDownwardFiles(pod *corev1.Pod) bool {
	for i := range pod.Spec.Volumes {
		volume := &pod.Spec.Volumes[i]
		if volume.DownwardAPI != nil {
			return true
		}
		if volume.Projected == nil {
			continue
		}
		for j := range volume.Projected.Sources {
			if volume.Projected.Sources[j].DownwardAPI != nil {
				return true
			}
		}
	}
	return false
}

// publish writes the status where it differs from what was written last.
func (w *podWorker) publish() {
	w.takeSnapshot()
	// A kubelet that has just died writes nothing more; when it is back, every pod is looked at again.
	if w.quiet || w.deleted || !w.node.isAlive() {
		return
	}
	patch, err := statusPatch(&w.view)
	if err != nil || bytes.Equal(patch, w.published) {
		return
	}
	pod := w.view.pod
	_, err = w.manager.client.CoreV1().Pods(pod.Namespace).
		Patch(w.ctx, pod.Name, types.StrategicMergePatchType, patch, metav1.PatchOptions{}, "status")
	switch {
	case err == nil:
		w.published = patch
	case apierrors.IsNotFound(err), apierrors.IsConflict(err), apierrors.IsInvalid(err):
		slog.Debug("status refused", "pod", pod.Namespace+"/"+pod.Name, "error", err)
	default:
		if w.ctx.Err() == nil {
			slog.Warn("status not written", "pod", pod.Namespace+"/"+pod.Name, "error", err)
			w.after(time.Second, func() {})
		}
	}
}

// statusPatch is one patch with the whole status; the uid keeps it from a namesake.
func statusPatch(view *podView) ([]byte, error) {
	return json.Marshal(map[string]any{
		"metadata": map[string]any{"uid": view.pod.UID},
		"status":   view.status(),
	})
}

// takeSnapshot renews what commands may look at from outside.
func (w *podWorker) takeSnapshot() {
	pod := w.view.pod
	snapshot := podSnapshot{Namespace: pod.Namespace, Name: pod.Name, UID: string(pod.UID), Node: w.node.config.Name,
		IP: w.view.podIP, URL: w.manager.productURL(w.facts.podIP), Phase: string(w.view.phase())}
	for _, c := range w.view.containers {
		row := containerSnapshot{Name: c.spec.Name, Running: c.running, Ready: c.ready, Restarts: c.restarts}
		if c.command != nil {
			row.Log = w.logPath(c)
		}
		if c.process != nil {
			row.PID = c.process.pid
		}
		snapshot.Containers = append(snapshot.Containers, row)
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.snapshot = snapshot
}

// event tells about the pod, or about one of its containers.
func (w *podWorker) event(kind, reason, message, container string) {
	w.node.recorder.Event(podReference(w.view.pod, container), kind, reason, message)
}

func podReference(pod *corev1.Pod, container string) *corev1.ObjectReference {
	reference := &corev1.ObjectReference{APIVersion: "v1", Kind: "Pod", Namespace: pod.Namespace, Name: pod.Name,
		UID: pod.UID, ResourceVersion: pod.ResourceVersion}
	if container == "" {
		return reference
	}
	reference.FieldPath = "spec.containers{" + container + "}"
	for i := range pod.Spec.InitContainers {
		if pod.Spec.InitContainers[i].Name == container {
			reference.FieldPath = "spec.initContainers{" + container + "}"
		}
	}
	return reference
}

// deleteObject removes the pod for good once its containers are gone.
func (w *podWorker) deleteObject() {
	w.publish()
	if err := deletePod(w.ctx, w.manager.client, w.view.pod); err != nil {
		if w.ctx.Err() == nil {
			slog.Warn("pod not deleted", "pod", w.view.pod.Namespace+"/"+w.view.pod.Name, "error", err)
			w.after(time.Second, w.deleteObject)
		}
		return
	}
	w.deleted = true
}
