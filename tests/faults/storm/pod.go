package main

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// podState is one server: what its spec says, and what its sidecar reports.
type podState struct {
	name, uid string
	group     *group
	node      *nodeState
	half      string
	traits    podTraits
	hasLease  bool
	isFailing bool
	key       int  // which key it runs with
	hasDrift  bool // its Secret holds another one
	ignored   map[string]bool
	changes   int
	created   time.Time
	ended     time.Time // no longer live: failed, terminating or gone; zero: it lives
}

// podTraits are fixed when the pod is made.
type podTraits struct {
	hasClass, isGuaranteed, isSpread, probesHealth bool
	sidecar                                        string // good, loose, none
	key                                            string // secret, literal, none
}

// grace is longer than a storm, so that a terminating pod stays until its kubelet, that is we, has ended it.
const grace = int64(3600)

func amount(text string) resource.Quantity { return resource.MustParse(text) }

func (w *world) drawTraits() podTraits {
	traits := podTraits{hasClass: w.chance(0.8), isGuaranteed: w.chance(0.85), isSpread: w.chance(0.9), probesHealth: w.chance(0.05),
		sidecar: "good", key: "secret"}
	if w.chance(0.1) {
		traits.sidecar = pick(w.random, []string{"loose", "none"})
	}
	if w.chance(0.06) {
		traits.key = pick(w.random, []string{"literal", "none"})
	}
	return traits
}

func guaranteed() corev1.ResourceRequirements {
	list := corev1.ResourceList{"cpu": amount("10m"), "memory": amount("16Mi")}
	return corev1.ResourceRequirements{Requests: list, Limits: list}
}

func (p *podState) keyVariables() []corev1.EnvVar {
	name := "PROGET_ENCRYPTION_KEY"
	switch p.traits.key {
	case "secret":
		return []corev1.EnvVar{{Name: name, ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
			LocalObjectReference: corev1.LocalObjectReference{Name: "key"}, Key: "key"}}}}
	case "literal":
		return []corev1.EnvVar{{Name: name, Value: "0f1e2d3c4b5a69788796a5b4c3d2e1f0"}}
	}
	return nil
}

func (p *podState) object() *corev1.Pod {
	none := false
	product := corev1.Container{Name: "proget", Image: "proget.inedo.com/productimages/inedo/proget:25.0.13", Env: p.keyVariables()}
	if p.traits.isGuaranteed {
		product.Resources = guaranteed()
	}
	if p.traits.probesHealth {
		product.LivenessProbe = &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/health",
			Port: intstr.FromInt32(80)}}}
	}
	always := corev1.ContainerRestartPolicyAlways
	spec := corev1.PodSpec{NodeName: p.node.name, AutomountServiceAccountToken: &none,
		Tolerations: []corev1.Toleration{{Operator: corev1.TolerationOpExists}}, Containers: []corev1.Container{product}}
	if p.traits.sidecar != "none" {
		sidecar := corev1.Container{Name: "proget-sidecar", Image: "proget-sidecar:0.1.0", RestartPolicy: &always}
		if p.traits.sidecar == "good" {
			sidecar.Resources = guaranteed()
		}
		spec.InitContainers = []corev1.Container{sidecar}
	}
	if p.traits.hasClass {
		spec.PriorityClassName = className
	}
	if p.traits.isSpread {
		spec.Affinity = &corev1.Affinity{PodAntiAffinity: &corev1.PodAntiAffinity{RequiredDuringSchedulingIgnoredDuringExecution: []corev1.PodAffinityTerm{{
			TopologyKey: "kubernetes.io/hostname", LabelSelector: &metav1.LabelSelector{MatchLabels: map[string]string{"group": p.group.label}}}}}}
	}
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: p.name, Namespace: p.group.namespace,
		Labels: map[string]string{"group": p.group.label, "half": p.half}}, Spec: spec}
}

// addPod makes a server and has it run; shared: on a node that has one of the same group.
func (w *world) addPod(ctx context.Context, g *group, shared bool) error {
	node := w.nodeFor(g, shared)
	if node == nil {
		return nil
	}
	w.number++
	p := &podState{name: fmt.Sprintf("%s-%d", g.label, w.number), group: g, node: node, half: "a", traits: w.drawTraits(), ignored: map[string]bool{},
		created: time.Now()}
	if w.chance(0.2) {
		p.half = "b"
	}
	pods := w.api.client.CoreV1().Pods(g.namespace)
	made, err := persistCreate(ctx, "pod "+p.name,
		func() (*corev1.Pod, error) { return pods.Create(ctx, p.object(), metav1.CreateOptions{}) },
		func() (*corev1.Pod, error) { return pods.Get(ctx, p.name, metav1.GetOptions{}) })
	if err != nil {
		return err
	}
	p.uid = string(made.UID)
	w.locked(func() {
		g.pods = append(g.pods, p)
		w.pods[p.uid] = p
		w.notePossible(p)
	})
	if err := w.patchStatus(ctx, p, p.runningStatus()); err != nil {
		return err
	}
	if p.traits.sidecar == "none" {
		return nil
	}
	return w.makeLease(ctx, p)
}

// nodeFor is one that no server of the group has, or one that exactly one has; nil where there is none.
func (w *world) nodeFor(g *group, shared bool) *nodeState {
	var fitting []*nodeState
	for _, node := range w.nodes {
		servers := 0
		for _, p := range g.pods {
			if p.node == node {
				servers++
			}
		}
		if !node.isGone && (shared && servers == 1 || !shared && servers == 0) {
			fitting = append(fitting, node)
		}
	}
	if len(fitting) == 0 {
		return nil
	}
	return pick(w.random, fitting)
}

func (p *podState) runningStatus() corev1.PodStatus {
	now := metav1.Now()
	isStarted := true
	status := corev1.PodStatus{Phase: corev1.PodRunning, StartTime: &now, PodIP: "10.1.2.3", HostIP: "10.0.0.1",
		ContainerStatuses: []corev1.ContainerStatus{{Name: "proget", Image: "proget", ImageID: "sha256:0", ContainerID: "storm://" + p.name,
			Ready: true, Started: &isStarted, State: corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: now}}}}}
	for _, name := range []corev1.PodConditionType{corev1.PodInitialized, corev1.PodReady, corev1.ContainersReady, corev1.PodScheduled} {
		status.Conditions = append(status.Conditions, corev1.PodCondition{Type: name, Status: corev1.ConditionTrue, LastTransitionTime: now})
	}
	return status
}

// evictedStatus is what a kubelet leaves of a pod that its node had no memory for.
func (p *podState) evictedStatus() corev1.PodStatus {
	now := metav1.Now()
	return corev1.PodStatus{Phase: corev1.PodFailed, Reason: "Evicted", StartTime: &now,
		Message: "The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. ",
		Conditions: []corev1.PodCondition{
			{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue, Reason: corev1.PodReasonTerminationByKubelet, LastTransitionTime: now,
				Message: "The node was low on resource: memory. Threshold quantity: 100Mi, available: 50Mi. "},
			{Type: corev1.PodReady, Status: corev1.ConditionFalse, Reason: "PodFailed", LastTransitionTime: now}},
		ContainerStatuses: []corev1.ContainerStatus{{Name: "proget", Image: "proget", ImageID: "sha256:0",
			State: corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{ExitCode: 137, Reason: "Error", StartedAt: now, FinishedAt: now}}}}}
}

func (w *world) patchStatus(ctx context.Context, p *podState, status corev1.PodStatus) error {
	text, err := json.Marshal(map[string]any{"status": status})
	if err != nil {
		return err
	}
	return persist(ctx, "status of "+p.name, func() error {
		_, err := w.api.client.CoreV1().Pods(p.group.namespace).Patch(ctx, p.name, types.MergePatchType, text, metav1.PatchOptions{}, "status")
		return err
	})
}

// patchPod changes labels or annotations.
func (w *world) patchPod(ctx context.Context, p *podState, member string, values map[string]any) error {
	text, err := json.Marshal(map[string]any{"metadata": map[string]any{member: values}})
	if err != nil {
		return err
	}
	return persist(ctx, member+" of "+p.name, func() error {
		_, err := w.api.client.CoreV1().Pods(p.group.namespace).Patch(ctx, p.name, types.MergePatchType, text, metav1.PatchOptions{})
		return err
	})
}

// deletePod asks for the end of a pod: at once, or so that it is terminating until it is ended.
func (w *world) deletePod(ctx context.Context, p *podState, atOnce bool) error {
	seconds := grace
	if atOnce {
		seconds = 0
		w.locked(func() { w.deleted[p.uid] = time.Now() })
	}
	uid := types.UID(p.uid)
	return persist(ctx, "deleting "+p.name, func() error {
		return ignoreNotFound(w.api.client.CoreV1().Pods(p.group.namespace).Delete(ctx, p.name,
			metav1.DeleteOptions{GracePeriodSeconds: &seconds, Preconditions: &metav1.Preconditions{UID: &uid}}))
	})
}

func (w *world) evictThroughAPI(ctx context.Context, p *podState) error {
	seconds := grace
	eviction := &policyv1.Eviction{ObjectMeta: metav1.ObjectMeta{Name: p.name, Namespace: p.group.namespace},
		DeleteOptions: &metav1.DeleteOptions{GracePeriodSeconds: &seconds}}
	return persist(ctx, "evicting "+p.name, func() error {
		return w.api.client.CoreV1().Pods(p.group.namespace).EvictV1(ctx, eviction)
	})
}

func fingerprint(key int) string { return fmt.Sprintf("hmac-sha256:%032x", 0x1000+key) }

// report is the sidecar's.
func (p *podState) report() string {
	health := map[string]any{"state": "ok", "http": 200, "database": "OK", "license": "OK", "service": "OK"}
	if p.isFailing {
		health["state"], health["http"], health["database"] = "error", 500, "Error"
		health["databaseDetail"] = "connection refused"
	}
	key := map[string]any{"source": "env", "form": "ok", "fingerprint": fingerprint(p.key), "current": fingerprint(p.key)}
	if p.traits.key == "none" {
		key = map[string]any{"source": "none", "form": "absent"}
	} else if p.hasDrift {
		key["current"] = fingerprint(p.key + 100)
	}
	text, _ := json.Marshal(map[string]any{"v": 1, "product": "ProGet", "version": "2025.13 (Build 2)", "release": "25.0.13",
		"node": p.node.name, "ip": "10.1.2.3", "health": health, "key": key,
		"messenger": map[string]any{"port": 33237, "reachable": true},
		"machine":   map[string]any{"id": "sha256:00", "cpu": "GenuineIntel/6/106/6"}, "activation": map[string]any{"reachable": true}})
	return string(text)
}

func (p *podState) leaseName() string { return "proget-" + p.name }

func (w *world) makeLease(ctx context.Context, p *podState) error {
	seconds, now := int32(7200), metav1.NowMicro()
	lease := &coordinationv1.Lease{ObjectMeta: metav1.ObjectMeta{Name: p.leaseName(), Namespace: p.group.namespace,
		Labels:          map[string]string{"app.kubernetes.io/managed-by": "proget-sidecar"},
		Annotations:     map[string]string{prefix + "report": p.report()},
		OwnerReferences: []metav1.OwnerReference{{APIVersion: "v1", Kind: "Pod", Name: p.name, UID: types.UID(p.uid)}}},
		Spec: coordinationv1.LeaseSpec{HolderIdentity: &p.name, LeaseDurationSeconds: &seconds, RenewTime: &now}}
	leases := w.api.client.CoordinationV1().Leases(p.group.namespace)
	_, err := persistCreate(ctx, "Lease "+p.leaseName(),
		func() (*coordinationv1.Lease, error) { return leases.Create(ctx, lease, metav1.CreateOptions{}) },
		func() (*coordinationv1.Lease, error) { return leases.Get(ctx, p.leaseName(), metav1.GetOptions{}) })
	w.locked(func() { p.hasLease = err == nil })
	return err
}

func (w *world) patchLease(ctx context.Context, p *podState, patch map[string]any) error {
	text, err := json.Marshal(patch)
	if err != nil {
		return err
	}
	_, err = w.api.client.CoordinationV1().Leases(p.group.namespace).Patch(ctx, p.leaseName(), types.MergePatchType, text, metav1.PatchOptions{})
	return err
}

func (w *world) renew(ctx context.Context, p *podState) error {
	return w.patchLease(ctx, p, map[string]any{"spec": map[string]any{"renewTime": metav1.NowMicro()}})
}

// tellReport sends a report that has changed, together with a heartbeat, as the sidecar does.
func (w *world) tellReport(ctx context.Context, p *podState) error {
	return persist(ctx, "report of "+p.name, func() error {
		return w.patchLease(ctx, p, map[string]any{"metadata": map[string]any{"annotations": map[string]any{prefix + "report": p.report()}},
			"spec": map[string]any{"renewTime": metav1.NowMicro()}})
	})
}
