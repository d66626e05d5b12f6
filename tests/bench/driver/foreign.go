package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
	"sigs.k8s.io/yaml"
)

const (
	foreignNamespace = "bench-foreign"
	podsOfDeployment = 25
	churnWorkers     = 8
)

// foreignTemplate is a pod as applications have it: configuration in variables, mounts, annotations of monitoring, and
// where asked a helper container. With managed fields and status it comes to some 6 or 10 KB of JSON.
func foreignTemplate(name string, hasHelper bool) corev1.PodTemplateSpec {
	labels := map[string]string{"app.kubernetes.io/name": name, "app.kubernetes.io/instance": name + "-live",
		"app.kubernetes.io/part-of": "shop", "app.kubernetes.io/version": "4.17.2", "team": "checkout"}
	annotations := map[string]string{"prometheus.io/scrape": "true", "prometheus.io/port": "9090",
		"checksum/config": strings.Repeat("8c1f6a35", 8), "checksum/secret": strings.Repeat("e07b49d2", 8)}
	amounts := func(cpu, memory string) corev1.ResourceRequirements {
		return corev1.ResourceRequirements{
			Requests: corev1.ResourceList{"cpu": resource.MustParse(cpu), "memory": resource.MustParse(memory)},
			Limits:   corev1.ResourceList{"memory": resource.MustParse(memory)}}
	}
	var variables []corev1.EnvVar
	for i := range 5 {
		variables = append(variables, corev1.EnvVar{Name: fmt.Sprintf("SHOP_SETTING_%d", i),
			Value: fmt.Sprintf("https://%s-%d.shop.svc.cluster.local:8443/api/v1", name, i)})
	}
	variables = append(variables, corev1.EnvVar{Name: "SHOP_DATABASE_PASSWORD", ValueFrom: &corev1.EnvVarSource{
		SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: name}, Key: "password"}}})
	probe := &corev1.Probe{ProbeHandler: corev1.ProbeHandler{HTTPGet: &corev1.HTTPGetAction{Path: "/live",
		Port: intstr.FromInt32(8080)}}, PeriodSeconds: 10}
	mounts := []corev1.VolumeMount{{Name: "config", MountPath: "/etc/shop", ReadOnly: true},
		{Name: "secret", MountPath: "/etc/shop-secret", ReadOnly: true}, {Name: "cache", MountPath: "/var/cache/shop"}}
	template := corev1.PodTemplateSpec{
		ObjectMeta: metav1.ObjectMeta{Labels: labels, Annotations: annotations},
		Spec: corev1.PodSpec{
			NodeSelector: map[string]string{"bench": "foreign"},
			Containers: []corev1.Container{
				{Name: "main", Image: "registry.invalid/shop/" + name + ":4.17.2", Args: []string{"--listen=:8080", "--log=json"},
					Env: variables, Resources: amounts("10m", "64Mi"), LivenessProbe: probe, ReadinessProbe: probe,
					Ports: []corev1.ContainerPort{{Name: "http", ContainerPort: 8080}}, VolumeMounts: mounts},
			},
			Volumes: []corev1.Volume{
				{Name: "config", VolumeSource: corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
					LocalObjectReference: corev1.LocalObjectReference{Name: name}}}},
				{Name: "secret", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: name}}},
				{Name: "cache", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
			},
		},
	}
	if hasHelper {
		annotations["sidecar.mesh.invalid/status"] = strings.Repeat("proxy,init,volumes;", 3)
		template.Spec.Containers = append(template.Spec.Containers, corev1.Container{Name: "mesh-proxy",
			Image: "registry.invalid/mesh/proxy:1.29.0", Env: variables[:2], Resources: amounts("10m", "32Mi"),
			ReadinessProbe: probe, VolumeMounts: mounts[:1],
			Ports: []corev1.ContainerPort{{Name: "metrics", ContainerPort: 9090}}})
	}
	return template
}

// makeForeignPods lets the real controllers make the pods, so that owners, defaults and managed fields are as usual.
func (b *bench) makeForeignPods() error {
	if err := b.makeNamespace(foreignNamespace); err != nil {
		return err
	}
	for left, i := b.options.pods, 0; left > 0; left, i = left-podsOfDeployment, i+1 {
		replicas := int32(min(left, podsOfDeployment))
		name := fmt.Sprintf("service-%d", i)
		template := foreignTemplate(name, i%2 == 0)
		deployment := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: template.Labels},
			Spec: appsv1.DeploymentSpec{Replicas: &replicas, Template: template,
				Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"app.kubernetes.io/name": name}}}}
		_, err := b.client.AppsV1().Deployments(foreignNamespace).Create(b.ctx, deployment, metav1.CreateOptions{})
		if err != nil {
			return err
		}
	}
	if err := b.within("all pods of others to run", b.untilForeignRun); err != nil {
		return err
	}
	pods, err := b.client.CoreV1().Pods(foreignNamespace).List(b.ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	size := 0
	for i := range pods.Items {
		text, err := json.Marshal(&pods.Items[i])
		if err != nil {
			return err
		}
		size += len(text)
	}
	b.report.Settings.PodBytes = size / max(len(pods.Items), 1)
	return b.catchUp()
}

func (b *bench) untilForeignRun(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	factory := informers.NewSharedInformerFactoryWithOptions(b.client, 0, informers.WithNamespace(foreignNamespace))
	running := map[string]bool{}
	done := make(chan struct{})
	look := func(object any) { // always from one goroutine
		if pod := object.(*corev1.Pod); pod.Status.Phase == corev1.PodRunning && !running[pod.Name] {
			running[pod.Name] = true
			if len(running) == b.options.pods {
				close(done)
			}
		}
	}
	if _, err := factory.Core().V1().Pods().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: look, UpdateFunc: func(_, object any) { look(object) }}); err != nil {
		return err
	}
	factory.Start(ctx.Done())
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%d of %d: %w", len(running), b.options.pods, ctx.Err())
	}
}

// takeChurns takes the memory after each round, so that they make a curve.
func (b *bench) takeChurns() error {
	for round := 1; round <= b.options.rounds; round++ {
		if err := b.takeChurn(round); err != nil {
			return err
		}
		if err := b.takeMemory(fmt.Sprintf("after %d updates", round*b.options.updates)); err != nil {
			return err
		}
	}
	return nil
}

// takeChurn updates pods of others, half as a kubelet does (a restart count), half as a controller does (an annotation),
// and notes the processor time that both spend on it.
func (b *bench) takeChurn(round int) error {
	operator, err := b.operatorPID()
	if err != nil {
		return err
	}
	pids := []int{operator, b.peerProcess.command.Process.Pid}
	before, err := cpuOf(pids)
	if err != nil {
		return err
	}
	if err := b.updateForeign(round); err != nil {
		return err
	}
	if err := b.catchUp(); err != nil {
		return err
	}
	after, err := cpuOf(pids)
	if err != nil {
		return err
	}
	b.report.CPU = append(b.report.CPU, cpuFigures{Updates: b.options.updates,
		OperatorSeconds: after[0] - before[0], PeerSeconds: after[1] - before[1]})
	return nil
}

func cpuOf(pids []int) ([]float64, error) {
	var result []float64
	for _, pid := range pids {
		seconds, err := cpuSeconds(pid)
		if err != nil {
			return nil, err
		}
		result = append(result, seconds)
	}
	return result, nil
}

func (b *bench) updateForeign(round int) error {
	list, err := b.client.CoreV1().Pods(foreignNamespace).List(b.ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	var names []string
	for i := range list.Items {
		names = append(names, list.Items[i].Name)
	}
	var next atomic.Int64
	var workers sync.WaitGroup
	failures := make(chan error, churnWorkers)
	for range churnWorkers {
		workers.Go(func() {
			for {
				i := int(next.Add(1)) - 1
				if i >= b.options.updates {
					return
				}
				if err := b.updateOne(names[i%len(names)], round*b.options.updates+i, i%2 == 0); err != nil {
					failures <- err
					return
				}
			}
		})
	}
	workers.Wait()
	close(failures)
	for failure := range failures {
		err = errors.Join(err, failure)
	}
	return err
}

func (b *bench) updateOne(name string, number int, inStatus bool) error {
	pods := b.client.CoreV1().Pods(foreignNamespace)
	if inStatus {
		patch := fmt.Sprintf(`[{"op":"replace","path":"/status/containerStatuses/0/restartCount","value":%d}]`, number)
		_, err := pods.Patch(b.ctx, name, types.JSONPatchType, []byte(patch), metav1.PatchOptions{}, "status")
		return err
	}
	patch := fmt.Sprintf(`{"metadata":{"annotations":{"mesh.invalid/generation":"%d"}}}`, number)
	_, err := pods.Patch(b.ctx, name, types.MergePatchType, []byte(patch), metav1.PatchOptions{})
	return err
}

// takeOffline writes what kubectl get pods -A -o yaml would print of a larger cluster, and has it audited.
func (b *bench) takeOffline() error {
	path := filepath.Join(b.options.work, "dump.yaml")
	size, err := b.writeDump(path)
	if err != nil {
		return err
	}
	b.report.Offline = &offlineFigures{Pods: b.options.auditPods, Bytes: size}
	if b.report.Offline.Ours, err = b.measured(b.options.audit, "audit", "-f", path); err != nil {
		return err
	}
	b.report.Offline.Peer, err = b.measured(b.options.peer, "audit", path)
	return err
}

func (b *bench) measured(program ...string) (offlineRun, error) {
	var result offlineRun
	command := exec.CommandContext(b.ctx, b.options.measure, program...)
	var complaint strings.Builder
	command.Stderr = &complaint
	output, err := command.Output()
	if err != nil {
		return result, fmt.Errorf("%s: %w: %s", program[0], err, complaint.String())
	}
	err = json.Unmarshal(output, &result)
	if result.ExitStatus > 1 {
		result.Complaint = strings.TrimSpace(complaint.String())
	}
	return result, err
}

func (b *bench) writeDump(path string) (int64, error) {
	list, err := b.client.CoreV1().Pods("").List(b.ctx, metav1.ListOptions{})
	if err != nil {
		return 0, err
	}
	file, err := os.Create(path)
	if err != nil {
		return 0, err
	}
	defer file.Close()
	writer := bufio.NewWriter(file)
	fmt.Fprint(writer, "apiVersion: v1\nitems:\n")
	for i := range b.options.auditPods {
		pod := list.Items[i%len(list.Items)].DeepCopy()
		pod.APIVersion, pod.Kind, pod.ManagedFields = "v1", "Pod", nil
		if copyNumber := i / len(list.Items); copyNumber > 0 {
			pod.Name = fmt.Sprintf("%s-%d", pod.Name, copyNumber)
			pod.UID = types.UID(fmt.Sprintf("%s-%d", pod.UID, copyNumber))
			pod.Namespace = foreignNamespace
		}
		text, err := yaml.Marshal(pod)
		if err != nil {
			return 0, err
		}
		lead := "- "
		for line := range strings.Lines(string(text)) {
			fmt.Fprint(writer, lead, line)
			lead = "  "
		}
	}
	fmt.Fprint(writer, "kind: List\nmetadata:\n  resourceVersion: \"\"\n")
	if err := writer.Flush(); err != nil {
		return 0, err
	}
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
