package main

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// podFacts is what the downward API tells beyond the pod's own object: addresses, and the node's size.
type podFacts struct {
	podIP       string
	hostIP      string
	allocatable corev1.ResourceList
}

// fieldValue resolves a fieldRef as the kubelet does, for variables and for downward API files.
func fieldValue(pod *corev1.Pod, facts podFacts, path string) (string, error) {
	if open := strings.IndexByte(path, '['); open > 0 && strings.HasSuffix(path, "']") {
		key := strings.TrimPrefix(strings.TrimSuffix(path[open:], "']"), "['")
		switch path[:open] {
		case "metadata.labels":
			return pod.Labels[key], nil
		case "metadata.annotations":
			return pod.Annotations[key], nil
		}
	}
	switch path {
	case "metadata.name":
		return pod.Name, nil
	case "metadata.namespace":
		return pod.Namespace, nil
	case "metadata.uid":
		return string(pod.UID), nil
	case "metadata.labels":
		return quotedRows(pod.Labels), nil
	case "metadata.annotations":
		return quotedRows(pod.Annotations), nil
	case "spec.nodeName":
		return pod.Spec.NodeName, nil
	case "spec.serviceAccountName":
		return pod.Spec.ServiceAccountName, nil
	case "status.hostIP", "status.hostIPs":
		return facts.hostIP, nil
	case "status.podIP", "status.podIPs":
		return facts.podIP, nil
	}
	return "", fmt.Errorf("unsupported fieldPath: %s", path)
}

// quotedRows is the form of labels and annotations in a downward API file: key="value", sorted.
func quotedRows(values map[string]string) string {
	var rows []string
	for _, key := range slices.Sorted(maps.Keys(values)) {
		rows = append(rows, key+"="+strconv.Quote(values[key]))
	}
	return strings.Join(rows, "\n")
}

// resourceValue resolves a resourceFieldRef; a limit that is not set is the node's allocatable.
func resourceValue(pod *corev1.Pod, facts podFacts, own *corev1.Container, ref *corev1.ResourceFieldSelector) (string, error) {
	container := own
	if ref.ContainerName != "" {
		if container = findContainer(pod, ref.ContainerName); container == nil {
			return "", fmt.Errorf("container %q not found in pod", ref.ContainerName)
		}
	}
	if container == nil {
		return "", fmt.Errorf("resourceFieldRef %s names no container", ref.Resource)
	}
	kind, name, _ := strings.Cut(ref.Resource, ".")
	var quantity resource.Quantity
	switch kind {
	case "limits":
		var found bool
		if quantity, found = container.Resources.Limits[corev1.ResourceName(name)]; !found {
			quantity = facts.allocatable[corev1.ResourceName(name)]
		}
	case "requests":
		quantity = container.Resources.Requests[corev1.ResourceName(name)]
	default:
		return "", fmt.Errorf("unsupported container resource: %s", ref.Resource)
	}
	divisor := ref.Divisor
	if divisor.IsZero() {
		divisor = resource.MustParse("1")
	}
	if name == "cpu" {
		return strconv.FormatFloat(math.Ceil(float64(quantity.MilliValue())/float64(divisor.MilliValue())), 'f', 0, 64), nil
	}
	return strconv.FormatInt(int64(math.Ceil(float64(quantity.Value())/float64(divisor.Value()))), 10), nil
}

func findContainer(pod *corev1.Pod, name string) *corev1.Container {
	for _, list := range [][]corev1.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range list {
			if list[i].Name == name {
				return &list[i]
			}
		}
	}
	return nil
}
