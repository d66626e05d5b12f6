package main

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ending is why and how a pod ends, beyond what its containers' exit codes say.
type ending struct {
	phase     corev1.PodPhase
	reason    string
	message   string
	condition *corev1.PodCondition
}

// podView is what a pod's status is computed from.
type podView struct {
	pod        *corev1.Pod
	containers []*container
	startTime  metav1.Time
	podIP      string // "" until the pod has its address
	hostIP     string
	ending     *ending
	deleting   bool // all containers are to be stopped, and are not started again
	conditions map[corev1.PodConditionType]corev1.PodCondition
}

// initialized: ordinary init containers are done, native sidecars have started.
func (v *podView) initialized() bool {
	for _, c := range v.containers {
		if c.sidecar && !c.started && c.terminated == nil {
			return false
		}
		if c.init && !c.sidecar && !c.completed {
			return false
		}
	}
	return true
}

// phase follows the kubelet: Pending until a main container has started, then Running until all have ended for good.
func (v *podView) phase() corev1.PodPhase {
	if v.ending != nil && v.ending.phase != "" {
		return v.ending.phase
	}
	policy := v.pod.Spec.RestartPolicy
	var waiting, running, succeeded, failed int
	for _, c := range v.containers {
		switch {
		case c.init && !c.sidecar:
			if c.terminated != nil && c.terminated.ExitCode != 0 && !c.runsAgain(policy, c.terminated.ExitCode) {
				return corev1.PodFailed
			}
		case c.init:
		case c.running:
			running++
		case c.terminated == nil:
			waiting++
		case !v.deleting && c.runsAgain(policy, c.terminated.ExitCode):
			running++
		case c.terminated.ExitCode == 0:
			succeeded++
		default:
			failed++
		}
	}
	switch {
	case running > 0:
		return corev1.PodRunning
	case waiting > 0:
		return corev1.PodPending
	case v.stillRunning():
		return corev1.PodRunning
	case failed > 0:
		return corev1.PodFailed
	}
	return corev1.PodSucceeded
}

func (v *podView) stillRunning() bool {
	for _, c := range v.containers {
		if c.running {
			return true
		}
	}
	return false
}

// status is the whole status, with foreign conditions left to their owners (a merge patch keeps them).
func (v *podView) status() corev1.PodStatus {
	status := corev1.PodStatus{Phase: v.phase(), StartTime: &v.startTime, HostIP: v.hostIP, PodIP: v.podIP,
		HostIPs: []corev1.HostIP{{IP: v.hostIP}}, ObservedGeneration: v.pod.Generation, QOSClass: v.pod.Status.QOSClass}
	if v.podIP != "" {
		status.PodIPs = []corev1.PodIP{{IP: v.podIP}}
	}
	for _, c := range v.containers {
		if c.init {
			status.InitContainerStatuses = append(status.InitContainerStatuses, c.status(v.pod))
		} else {
			status.ContainerStatuses = append(status.ContainerStatuses, c.status(v.pod))
		}
	}
	terminal := status.Phase == corev1.PodFailed || status.Phase == corev1.PodSucceeded
	completed := status.Phase == corev1.PodSucceeded
	v.setConditions(terminal, completed)
	if v.ending != nil {
		status.Reason, status.Message = v.ending.reason, v.ending.message
		if v.ending.condition != nil {
			v.set(v.ending.condition.Type, v.ending.condition.Status, v.ending.condition.Reason, v.ending.condition.Message)
		}
	}
	for _, kind := range []corev1.PodConditionType{corev1.PodReadyToStartContainers, corev1.PodInitialized, corev1.PodReady,
		corev1.ContainersReady, corev1.PodScheduled, corev1.DisruptionTarget} {
		if condition, found := v.conditions[kind]; found {
			condition.ObservedGeneration = v.pod.Generation
			status.Conditions = append(status.Conditions, condition)
		}
	}
	return status
}

func (v *podView) setConditions(terminal, completed bool) {
	v.set(corev1.PodScheduled, corev1.ConditionTrue, "", "")
	if v.podIP != "" && !terminal {
		v.set(corev1.PodReadyToStartContainers, corev1.ConditionTrue, "", "")
	} else {
		v.set(corev1.PodReadyToStartContainers, corev1.ConditionFalse, "", "")
	}
	var unready, incomplete string
	for _, c := range v.containers {
		switch {
		case c.init && !c.sidecar:
			if !c.completed {
				incomplete += " " + c.spec.Name
			}
		case !c.ready:
			unready += " " + c.spec.Name
		}
		if c.sidecar && !c.started {
			incomplete += " " + c.spec.Name
		}
	}
	switch {
	case completed:
		v.set(corev1.PodInitialized, corev1.ConditionTrue, "PodCompleted", "")
	case v.initialized():
		v.set(corev1.PodInitialized, corev1.ConditionTrue, "", "")
	default:
		v.set(corev1.PodInitialized, corev1.ConditionFalse, "ContainersNotInitialized",
			"containers with incomplete status: ["+trimSpace(incomplete)+"]")
	}
	for _, kind := range []corev1.PodConditionType{corev1.ContainersReady, corev1.PodReady} {
		switch {
		case completed:
			v.set(kind, corev1.ConditionFalse, "PodCompleted", "")
		case terminal:
			v.set(kind, corev1.ConditionFalse, "PodFailed", "")
		case unready != "":
			v.set(kind, corev1.ConditionFalse, "ContainersNotReady", "containers with unready status: ["+trimSpace(unready)+"]")
		case kind == corev1.PodReady && !v.gatesOpen():
			v.set(kind, corev1.ConditionFalse, "ReadinessGatesNotReady", "the status of a readiness gate is not \"True\"")
		default:
			v.set(kind, corev1.ConditionTrue, "", "")
		}
	}
}

func trimSpace(names string) string {
	if names == "" {
		return names
	}
	return names[1:]
}

func (v *podView) gatesOpen() bool {
	for _, gate := range v.pod.Spec.ReadinessGates {
		open := false
		for _, condition := range v.pod.Status.Conditions {
			open = open || (condition.Type == gate.ConditionType && condition.Status == corev1.ConditionTrue)
		}
		if !open {
			return false
		}
	}
	return true
}

// set keeps the time of the last transition while the status stays.
func (v *podView) set(kind corev1.PodConditionType, status corev1.ConditionStatus, reason, message string) {
	condition := corev1.PodCondition{Type: kind, Status: status, Reason: reason, Message: message, LastTransitionTime: metav1.Now()}
	if old, found := v.conditions[kind]; found && old.Status == status {
		condition.LastTransitionTime = old.LastTransitionTime
	}
	v.conditions[kind] = condition
}

// knownConditions starts from what the pod's status says, so that a restart moves no transition time.
func knownConditions(pod *corev1.Pod) map[corev1.PodConditionType]corev1.PodCondition {
	known := map[corev1.PodConditionType]corev1.PodCondition{}
	for _, condition := range pod.Status.Conditions {
		switch condition.Type {
		case corev1.PodReadyToStartContainers, corev1.PodInitialized, corev1.PodReady, corev1.ContainersReady, corev1.PodScheduled:
			known[condition.Type] = condition
		}
	}
	return known
}
