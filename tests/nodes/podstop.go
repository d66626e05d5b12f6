package main

import (
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// minimumGrace is what a kubelet leaves a container at least between TERM and KILL.
const minimumGrace = 2 * time.Second

// What real kubelets were seen to do on a hard eviction: the sidecar's TERM comes while the main container may be alive.
const (
	hardSidecarDelay = time.Second
	hardKillDelay    = 1900 * time.Millisecond
)

// stopPlan says how a pod's containers are stopped.
type stopPlan struct {
	grace time.Duration
	hard  bool // node pressure: one second, sidecars do not wait for the main containers
}

// stop begins the end of the pod: TERM to the main containers, then to the sidecars in reverse order. It does not
// wait; finish follows when the last process has ended.
func (w *podWorker) stop(plan stopPlan) {
	w.stopping = true
	var mains, sidecars []*process
	for _, c := range w.view.containers {
		if c.stopProbes != nil {
			c.stopProbes()
		}
		if c.process == nil {
			continue
		}
		w.event(corev1.EventTypeNormal, "Killing", "Stopping container "+c.spec.Name, c.spec.Name)
		if c.sidecar {
			sidecars = append([]*process{c.process}, sidecars...)
		} else {
			mains = append(mains, c.process)
		}
	}
	go func() {
		if plan.hard {
			stopHard(mains, sidecars)
		} else {
			stopGently(mains, sidecars, plan.grace)
		}
		w.mail.post(w.finish)
	}()
}

func stopGently(mains, sidecars []*process, grace time.Duration) {
	deadline := time.Now().Add(max(grace, minimumGrace))
	for _, running := range mains {
		running.send(syscall.SIGTERM)
	}
	for _, running := range mains {
		if !running.endsWithin(time.Until(deadline)) {
			running.send(syscall.SIGKILL)
		}
		<-running.done
	}
	for _, running := range sidecars {
		running.send(syscall.SIGTERM)
		if !running.endsWithin(max(time.Until(deadline), minimumGrace)) {
			running.send(syscall.SIGKILL)
		}
		<-running.done
	}
}

func stopHard(mains, sidecars []*process) {
	began := time.Now()
	for _, running := range mains {
		running.send(syscall.SIGTERM)
	}
	for _, running := range mains {
		running.endsWithin(time.Until(began.Add(hardSidecarDelay)))
	}
	for _, running := range sidecars {
		running.send(syscall.SIGTERM)
	}
	told := time.Now()
	for _, running := range mains {
		if !running.endsWithin(time.Until(began.Add(minimumGrace))) {
			running.send(syscall.SIGKILL)
		}
	}
	for _, running := range sidecars {
		if !running.endsWithin(time.Until(told.Add(hardKillDelay))) {
			running.send(syscall.SIGKILL)
		}
	}
	for _, running := range append(mains, sidecars...) {
		<-running.done
	}
}

// finish writes the last status, once no process is left, and deletes the object where that was asked for.
func (w *podWorker) finish() {
	for _, c := range w.view.containers {
		switch {
		case c.process != nil:
			w.ended(c, c.process.exitCode)
		case c.running:
			w.ended(c, 0)
		}
	}
	if w.pause != nil {
		w.pause.send(syscall.SIGKILL)
		<-w.pause.done
		w.pause = nil
	}
	w.finished, w.quiet = true, false
	if w.view.ending != nil && w.view.ending.reason == "Evicted" {
		w.loseStatus()
	}
	w.publish()
	for _, call := range w.onFinish {
		call()
	}
	w.onFinish = nil
	if w.view.pod.DeletionTimestamp != nil {
		w.deleteObject()
	}
}

// loseStatus: in every eviction seen, one native sidecar of the pod lost its real exit status.
func (w *podWorker) loseStatus() {
	for i := len(w.view.containers) - 1; i >= 0; i-- {
		if c := w.view.containers[i]; c.sidecar && c.terminated != nil {
			c.lost = true
			return
		}
	}
}
