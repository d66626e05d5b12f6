package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// ensure starts a container that should run and does not, unless its next start has to wait.
func (w *podWorker) ensure(c *container) {
	if c.running {
		return
	}
	if c.terminated != nil && !c.runsAgain(w.view.pod.Spec.RestartPolicy, c.terminated.ExitCode) {
		c.completed = true
		if c.init && c.terminated.ExitCode != 0 {
			w.stop(stopPlan{grace: w.grace()})
		}
		return
	}
	if wait := time.Until(c.notBefore); wait > 0 {
		if c.waiting.Reason != "CrashLoopBackOff" {
			pod := w.view.pod
			c.waiting = corev1.ContainerStateWaiting{Reason: "CrashLoopBackOff", Message: fmt.Sprintf(
				"back-off %s restarting failed container=%s pod=%s_%s(%s)", wait.Round(time.Second), c.spec.Name,
				pod.Name, pod.Namespace, pod.UID)}
			w.event(corev1.EventTypeWarning, "BackOff", fmt.Sprintf("Back-off restarting failed container %s in pod %s_%s(%s)",
				c.spec.Name, pod.Name, pod.Namespace, pod.UID), c.spec.Name)
			w.after(wait, func() {})
		}
		return
	}
	if c.command == nil {
		c.noteStart(nil)
		c.started, c.ready = true, true
		if c.init && !c.sidecar {
			w.ended(c, 0)
		}
		return
	}
	w.launch(c)
}

// launch resolves the container's environment and starts its process.
func (w *podWorker) launch(c *container) {
	if c.waiting.Reason == "CrashLoopBackOff" {
		c.waiting = corev1.ContainerStateWaiting{}
	}
	running, err := w.startProcess(c)
	if err != nil {
		if w.ctx.Err() == nil {
			c.waiting = corev1.ContainerStateWaiting{Reason: "CreateContainerConfigError", Message: err.Error()}
			w.event(corev1.EventTypeWarning, "Failed", "Error: "+err.Error(), c.spec.Name)
			w.after(time.Second, func() {})
		}
		return
	}
	c.noteStart(running)
	if running.failure != "" {
		<-running.done
		w.event(corev1.EventTypeWarning, "Failed", "Error: "+running.failure, c.spec.Name)
		w.ended(c, statusStartError)
		c.terminated.Reason, c.terminated.Message = "StartError", running.failure
		return
	}
	w.mutex.Lock()
	w.processes[c.spec.Name] = running
	w.mutex.Unlock()
	w.event(corev1.EventTypeNormal, "Started", "Container started", c.spec.Name)
	go func() {
		<-running.done
		w.mail.post(func() {
			if c.process == running {
				w.ended(c, running.exitCode)
			}
		})
	}()
	w.startProbes(c)
}

// ended records the end of a container's process.
func (w *podWorker) ended(c *container, exitCode int32) {
	w.mutex.Lock()
	delete(w.processes, c.spec.Name)
	w.mutex.Unlock()
	c.noteEnd(exitCode, w.manager.options)
	if c.init && !c.sidecar && exitCode == 0 {
		c.completed, c.ready = true, true
	}
}

func (w *podWorker) startProcess(c *container) (*process, error) {
	pod := w.view.pod
	values, err := environmentOf(w.ctx, newObjects(w.manager.client, pod.Namespace), pod, w.facts, c.spec, w.ownVariables(c))
	if err != nil {
		return nil, err
	}
	spec := &processSpec{Command: commandOf(c, values), Environment: environmentList(values), Directory: "/",
		Hostname: pod.Name, Scratch: w.manager.scratch, CPUInfo: w.node.cpuPath, Hosts: w.node.hostsPath}
	if len(spec.Command) == 0 {
		return nil, errors.New("no command specified")
	}
	if c.spec.WorkingDir != "" {
		spec.Directory = c.spec.WorkingDir
	}
	if len(spec.Hostname) > 63 {
		spec.Hostname = spec.Hostname[:63]
	}
	if spec.Mounts, err = w.mountsOf(c, values); err != nil {
		return nil, err
	}
	if isTrue(pod.Spec.ShareProcessNamespace) && w.pause == nil {
		if w.pause, err = w.manager.starter.startPause(); err != nil {
			return nil, err
		}
	}
	pause := 0
	if w.pause != nil {
		pause = w.pause.pid
	}
	output, err := w.openLog(c)
	if err != nil {
		return nil, err
	}
	defer output.Close()
	return w.manager.starter.start(spec, output, pause)
}

// ownVariables are those beneath the container's own: the API server, and what makes up for the shared machine.
func (w *podWorker) ownVariables(c *container) map[string]string {
	m := w.manager
	values := map[string]string{
		"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "HOSTNAME": w.view.pod.Name,
		"KUBERNETES_SERVICE_HOST": m.serviceHost, "KUBERNETES_SERVICE_PORT": m.servicePort,
		"KUBERNETES_SERVICE_PORT_HTTPS": m.servicePort, "PROCESS_POD_IP": w.facts.podIP,
	}
	for _, row := range m.options.passed {
		for i := range row {
			if row[i] == '=' {
				values[row[:i]] = row[i+1:]
				break
			}
		}
	}
	if isSidecar(c.spec.Image) {
		values["PROGET_SIDECAR_URL"] = m.productURL(w.facts.podIP)
		values["PROGET_SIDECAR_CPUINFO"] = w.node.cpuPath
		return values
	}
	values["SIMULATED_CPUINFO"] = w.node.cpuPath
	values["SIMULATED_IMAGE"] = c.spec.Image
	values["SIMULATED_PORT"] = strconv.Itoa(m.options.productPort)
	if m.options.activations != "" {
		values["SIMULATED_ACTIVATIONS"] = m.options.activations
	}
	return values
}

// commandOf puts the program that stands for the image in the place of the command's first word.
func commandOf(c *container, values map[string]string) []string {
	lookup := func(name string) (string, bool) {
		value, found := values[name]
		return value, found
	}
	command := c.command
	own := c.spec.Command
	if command[0] == ownCommand {
		command = nil
	} else if len(own) > 0 {
		own = own[1:]
	}
	result := append([]string{}, command...)
	for _, list := range [][]string{own, c.spec.Args} {
		for _, word := range list {
			result = append(result, expand(word, lookup))
		}
	}
	return result
}

// mountsOf turns volumeMounts into mounts.
func (w *podWorker) mountsOf(c *container, values map[string]string) ([]mountSpec, error) {
	var mounts []mountSpec
	for _, mount := range c.spec.VolumeMounts {
		source := w.volumes.path(mount.Name)
		part := mount.SubPath
		if mount.SubPathExpr != "" {
			part = expand(mount.SubPathExpr, func(name string) (string, bool) {
				value, found := values[name]
				return value, found
			})
		}
		if part != "" {
			if !filepath.IsLocal(part) {
				return nil, fmt.Errorf("subPath %q leaves the volume", part)
			}
			source = filepath.Join(source, part)
			if _, err := os.Stat(source); errors.Is(err, os.ErrNotExist) {
				if err := os.MkdirAll(source, 0o755); err != nil {
					return nil, err
				}
			}
		}
		mounts = append(mounts, mountSpec{Source: source, Target: mount.MountPath, ReadOnly: mount.ReadOnly || w.holdsPayload(mount.Name)})
	}
	return mounts, nil
}

// holdsPayload: such volumes are read-only in containers whatever the mount says.
func (w *podWorker) holdsPayload(name string) bool {
	for i := range w.view.pod.Spec.Volumes {
		volume := &w.view.pod.Spec.Volumes[i]
		if volume.Name == name {
			return volume.Secret != nil || volume.ConfigMap != nil || volume.Projected != nil || volume.DownwardAPI != nil
		}
	}
	return false
}

func (w *podWorker) logPath(c *container) string {
	pod := w.view.pod
	return filepath.Join(w.manager.options.state, "logs", fmt.Sprintf("%s_%s_%s", pod.Namespace, pod.Name, pod.UID), c.spec.Name+".log")
}

// openLog appends: one file holds all of a container's lives.
func (w *podWorker) openLog(c *container) (*os.File, error) {
	path := w.logPath(c)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	return os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
}

// startProbes begins with the startup probe where there is one; the others follow its success.
func (w *podWorker) startProbes(c *container) {
	ctx, cancel := context.WithCancel(w.ctx)
	c.stopProbes = cancel
	if c.spec.StartupProbe != nil {
		w.probe(ctx, c, c.spec.StartupProbe, "Startup", func(ok bool) {
			if ok && !c.started {
				c.started = true
				c.ready = c.spec.ReadinessProbe == nil
				w.startLaterProbes(ctx, c)
			} else if !ok {
				w.kill(c, "failed startup probe", c.spec.StartupProbe)
			}
		})
		return
	}
	w.startLaterProbes(ctx, c)
}

func (w *podWorker) startLaterProbes(ctx context.Context, c *container) {
	if c.spec.ReadinessProbe != nil {
		w.probe(ctx, c, c.spec.ReadinessProbe, "Readiness", func(ok bool) { c.ready = ok })
	}
	if c.spec.LivenessProbe != nil {
		w.probe(ctx, c, c.spec.LivenessProbe, "Liveness", func(ok bool) {
			if !ok {
				w.kill(c, "failed liveness probe", c.spec.LivenessProbe)
			}
		})
	}
}

// probe applies the thresholds and passes each verdict on.
func (w *podWorker) probe(ctx context.Context, c *container, probe *corev1.Probe, kind string, verdict func(ok bool)) {
	p := &prober{probe: probe, container: c.spec, podIP: w.facts.podIP, productPort: w.manager.options.productPort}
	running := c.process
	var successes, failures int32
	report := func(failure string) {
		if !w.node.isAlive() {
			return // a dead kubelet probes nothing
		}
		w.mail.post(func() {
			if c.process != running || c.killing || (kind == "Startup" && c.started) {
				return
			}
			if failure == "" {
				successes, failures = successes+1, 0
				if successes >= max(1, probe.SuccessThreshold) {
					verdict(true)
				}
				return
			}
			successes, failures = 0, failures+1
			w.event(corev1.EventTypeWarning, "Unhealthy", kind+" probe failed: "+failure, c.spec.Name)
			if failures >= max(1, probe.FailureThreshold) {
				verdict(false)
			}
		})
	}
	go p.run(ctx, report)
}

// kill ends a container because of a probe; its end leads to a restart as any other.
func (w *podWorker) kill(c *container, why string, probe *corev1.Probe) {
	if c.process == nil || c.killing || w.stopping {
		return
	}
	c.killing = true
	grace := w.grace()
	if probe.TerminationGracePeriodSeconds != nil {
		grace = time.Duration(*probe.TerminationGracePeriodSeconds) * time.Second
	}
	w.event(corev1.EventTypeNormal, "Killing", "Container "+c.spec.Name+" "+why+", will be restarted", c.spec.Name)
	slog.Debug("killing container", "pod", w.view.pod.Name, "container", c.spec.Name, "why", why)
	running := c.process
	go func() {
		running.send(syscall.SIGTERM)
		if !running.endsWithin(max(grace, minimumGrace)) {
			running.send(syscall.SIGKILL)
		}
	}()
}
