package main

import (
	"context"
	"fmt"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// container is one container of a pod: what should run and how it stands. It belongs to its pod's worker.
type container struct {
	spec    *corev1.Container
	init    bool
	sidecar bool     // an init container that keeps running
	command []string // nil: reported as running, without a process

	process   *process
	running   bool
	completed bool // ended for good: an init container that did its work, or a main one that is not restarted
	killing   bool // ends because it was told to
	oom       bool
	started   bool
	ready     bool
	lost      bool // its exit status got lost (eviction of a native sidecar)

	startedAt  metav1.Time
	waiting    corev1.ContainerStateWaiting
	terminated *corev1.ContainerStateTerminated
	last       *corev1.ContainerStateTerminated
	restarts   int32
	delay      time.Duration
	notBefore  time.Time

	stopProbes context.CancelFunc
}

func newContainers(pod *corev1.Pod, programs programTable) []*container {
	var list []*container
	reason := "ContainerCreating"
	if len(pod.Spec.InitContainers) > 0 {
		reason = "PodInitializing"
	}
	add := func(spec *corev1.Container, init bool) {
		c := &container{spec: spec, init: init, command: programs.find(spec.Image)}
		c.sidecar = init && spec.RestartPolicy != nil && *spec.RestartPolicy == corev1.ContainerRestartPolicyAlways
		c.waiting.Reason = reason
		list = append(list, c)
	}
	for i := range pod.Spec.InitContainers {
		add(&pod.Spec.InitContainers[i], true)
	}
	for i := range pod.Spec.Containers {
		add(&pod.Spec.Containers[i], false)
	}
	return list
}

// adopt takes over what an earlier process-nodes reported: its processes died with it, so each is started once more.
func (c *container) adopt(statuses []corev1.ContainerStatus) {
	for i := range statuses {
		status := &statuses[i]
		if status.Name != c.spec.Name {
			continue
		}
		c.restarts = status.RestartCount
		c.last = status.LastTerminationState.Terminated
		if status.State.Running != nil {
			c.terminated = &corev1.ContainerStateTerminated{ExitCode: 137, Reason: "ContainerStatusUnknown",
				Message: "The container could not be located when the pod was deleted.  The container used to be Running"}
		} else if status.State.Terminated != nil {
			c.terminated = status.State.Terminated
			c.completed = c.init && !c.sidecar && status.State.Terminated.ExitCode == 0
		}
	}
}

// runsAgain tells whether the container runs again after an end with this status.
func (c *container) runsAgain(policy corev1.RestartPolicy, exitCode int32) bool {
	if c.sidecar {
		return true
	}
	if c.init {
		return exitCode != 0 && policy != corev1.RestartPolicyNever
	}
	return policy == corev1.RestartPolicyAlways || (policy == corev1.RestartPolicyOnFailure && exitCode != 0)
}

// noteStart records that the container runs from now on.
func (c *container) noteStart(running *process) {
	if c.terminated != nil {
		c.restarts++
		c.last = c.terminated
		c.terminated = nil
	}
	c.process, c.running, c.killing, c.oom = running, true, false, false
	c.waiting = corev1.ContainerStateWaiting{}
	c.startedAt = metav1.Now()
	c.started = c.spec.StartupProbe == nil
	c.ready = c.started && c.spec.ReadinessProbe == nil
}

// noteEnd records an end, and how long the next start has to wait: the first restart comes at once.
func (c *container) noteEnd(exitCode int32, options *options) {
	reason := "Error"
	if c.oom {
		reason = "OOMKilled"
	} else if exitCode == 0 {
		reason = "Completed"
	}
	c.terminated = &corev1.ContainerStateTerminated{ExitCode: exitCode, Reason: reason, StartedAt: c.startedAt,
		FinishedAt: metav1.Now()} // signal stays empty: containerd reports 128 + signal as the exit code alone
	if time.Since(c.startedAt.Time) > 10*options.backoffLast {
		c.delay = 0
	}
	c.notBefore = time.Now().Add(c.delay)
	if c.delay == 0 {
		c.delay = options.backoffFirst
	} else {
		c.delay = min(2*c.delay, options.backoffLast)
	}
	c.process, c.running, c.started, c.ready = nil, false, false, false
	if c.stopProbes != nil {
		c.stopProbes()
		c.stopProbes = nil
	}
}

// state is the container's state as a status shows it.
func (c *container) state() corev1.ContainerState {
	switch {
	case c.lost:
		return corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "PodInitializing"}}
	case c.running:
		return corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: c.startedAt}}
	case c.waiting.Reason == "CrashLoopBackOff" || c.terminated == nil:
		waiting := c.waiting
		return corev1.ContainerState{Waiting: &waiting}
	}
	return corev1.ContainerState{Terminated: c.terminated}
}

// status is the container's row in the pod's status.
func (c *container) status(pod *corev1.Pod) corev1.ContainerStatus {
	started := c.running && c.started
	status := corev1.ContainerStatus{Name: c.spec.Name, Image: c.spec.Image, RestartCount: c.restarts, Started: &started,
		Ready: c.ready, State: c.state()}
	if c.init && !c.sidecar {
		status.Ready = c.completed
	}
	last := c.last
	if status.State.Waiting != nil && c.terminated != nil {
		last = c.terminated
	}
	if c.lost {
		last = &corev1.ContainerStateTerminated{ExitCode: 137, Reason: "ContainerStatusUnknown",
			Message: "The container could not be located when the pod was deleted.  The container used to be Running"}
		status.RestartCount++
		return withLast(status, last)
	}
	if c.running || c.terminated != nil {
		status.ContainerID = fmt.Sprintf("process://%s-%s-%d", pod.UID, c.spec.Name, c.restarts)
		status.ImageID = "process://" + c.spec.Image
	}
	return withLast(status, last)
}

func withLast(status corev1.ContainerStatus, last *corev1.ContainerStateTerminated) corev1.ContainerStatus {
	status.LastTerminationState = corev1.ContainerState{Terminated: last}
	return status
}
