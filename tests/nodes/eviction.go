package main

import (
	"fmt"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// eviction is one of the ways in which a kubelet ends a pod by itself.
type eviction struct {
	ending      ending
	event       string // reason of the Warning on the pod; "" for none
	annotations map[string]string
	hard        bool
}

const evictionKinds = "memory, disk, emptydir, ephemeral, preempt-critical, shutdown or admission"

// newEviction words an eviction as the kubelet does. Admission is not one: such a pod never ran.
func newEviction(kind string, pod *corev1.Pod) (*eviction, error) {
	switch kind {
	case "memory":
		return pressureEviction(pod, corev1.ResourceMemory, "100Mi", "83264Ki"), nil
	case "disk":
		return pressureEviction(pod, corev1.ResourceEphemeralStorage, "10737418240", "9663676416"), nil
	case "emptydir":
		name, limit := "scratch", resource.MustParse("10Mi")
		for i := range pod.Spec.Volumes {
			if source := pod.Spec.Volumes[i].EmptyDir; source != nil {
				name = pod.Spec.Volumes[i].Name
				if source.SizeLimit != nil {
					limit = *source.SizeLimit
				}
				break
			}
		}
		return limitEviction(fmt.Sprintf("Usage of EmptyDir volume %q exceeds the limit %q. ", name, limit.String())), nil
	case "ephemeral":
		return limitEviction("Pod ephemeral local storage usage exceeds the total limit of containers 1Gi. "), nil
	case "preempt-critical":
		return &eviction{event: "Preempting", ending: ending{phase: corev1.PodFailed, reason: "Preempting",
			message: "Preempted in order to admit critical pod", condition: terminationByKubelet(
				"Pod was preempted by Kubelet to accommodate a critical pod.")}}, nil
	case "shutdown":
		message := "Pod was terminated in response to imminent node shutdown."
		return &eviction{ending: ending{phase: corev1.PodFailed, reason: "Terminated", message: message,
			condition: terminationByKubelet(message)}}, nil
	}
	return nil, fmt.Errorf("%q is no eviction: give %s", kind, evictionKinds)
}

func terminationByKubelet(message string) *corev1.PodCondition {
	return &corev1.PodCondition{Type: corev1.DisruptionTarget, Status: corev1.ConditionTrue,
		Reason: corev1.PodReasonTerminationByKubelet, Message: message}
}

// pressureEviction: the node ran low on a resource.
func pressureEviction(pod *corev1.Pod, name corev1.ResourceName, threshold, available string) *eviction {
	thresholdQuantity, availableQuantity := resource.MustParse(threshold), resource.MustParse(available)
	message := fmt.Sprintf("The node was low on resource: %s. Threshold quantity: %s, available: %s. ", name,
		thresholdQuantity.String(), availableQuantity.String())
	main := &pod.Spec.Containers[0]
	request := main.Resources.Requests[name]
	used := resource.MustParse("308436Ki")
	if request.Cmp(used) >= 0 {
		used = *resource.NewQuantity(request.Value()+1024*1024, resource.BinarySI)
	}
	message += fmt.Sprintf("Container %s was using %s, request is %s, has larger consumption of %s. ", main.Name,
		used.String(), request.String(), name)
	return &eviction{hard: true, event: "Evicted",
		annotations: map[string]string{"starved_resource": string(name), "offending_containers": main.Name,
			"offending_containers_usage": used.String()},
		ending: ending{phase: corev1.PodFailed, reason: "Evicted", message: message, condition: terminationByKubelet(message)}}
}

// limitEviction: the pod broke a limit of its own; no DisruptionTarget then.
func limitEviction(message string) *eviction {
	return &eviction{hard: true, event: "Evicted", ending: ending{phase: corev1.PodFailed, reason: "Evicted", message: message}}
}

// evict stops the pod's containers and reports the eviction in one status once they have ended; then calls done.
func (w *podWorker) evict(kind string, done func(error)) {
	if w.stopping {
		done(fmt.Errorf("the pod is ending already"))
		return
	}
	e, err := newEviction(kind, w.view.pod)
	if err != nil {
		done(err)
		return
	}
	announceEviction(w.node, w.view.pod, e)
	w.view.ending = &e.ending
	w.view.deleting = true
	w.quiet = true
	w.onFinish = append(w.onFinish, func() { done(nil) })
	w.stop(stopPlan{grace: w.grace(), hard: e.hard})
}

// announceEviction creates the Events that come before the containers are stopped.
func announceEviction(n *node, pod *corev1.Pod, e *eviction) {
	if e.event == "" {
		return
	}
	if starved := e.annotations["starved_resource"]; starved != "" {
		n.recorder.Eventf(n.reference(), corev1.EventTypeWarning, "EvictionThresholdMet", "Attempting to reclaim %s", starved)
	}
	n.recorder.AnnotatedEventf(podReference(pod, ""), e.annotations, corev1.EventTypeWarning, e.event, "%s", e.ending.message)
}

// admissionRefusal is the status of a pod that the kubelet does not take in.
func admissionRefusal() *ending {
	return &ending{phase: corev1.PodFailed, reason: "Evicted",
		message: "Pod was rejected: The node had condition: [" + string(corev1.NodeMemoryPressure) + "]. "}
}

// withoutPrefix is the message as the Event carries it.
func withoutPrefix(message string) string { return strings.TrimPrefix(message, "Pod was rejected: ") }
