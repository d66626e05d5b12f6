package main

import (
	"context"
	"fmt"
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
)

// environmentOf resolves a container's variables as the kubelet does: envFrom in order, then env in order (the last
// of a name counts, $(NAME) sees what came before), and `service` beneath both.
func environmentOf(ctx context.Context, objects *objects, pod *corev1.Pod, facts podFacts, container *corev1.Container,
	service map[string]string) (map[string]string, error) {
	result := map[string]string{}
	for i := range container.EnvFrom {
		data, err := environmentSource(ctx, objects, &container.EnvFrom[i])
		if err != nil {
			return nil, err
		}
		for key, value := range data {
			result[container.EnvFrom[i].Prefix+key] = string(value)
		}
	}
	lookup := func(name string) (string, bool) {
		if value, found := result[name]; found {
			return value, true
		}
		value, found := service[name]
		return value, found
	}
	for i := range container.Env {
		variable := &container.Env[i]
		if variable.ValueFrom == nil {
			result[variable.Name] = expand(variable.Value, lookup)
			continue
		}
		value, found, err := environmentValue(ctx, objects, pod, facts, container, variable.ValueFrom)
		if err != nil {
			return nil, err
		}
		if found {
			result[variable.Name] = value
		}
	}
	for name, value := range service {
		if _, set := result[name]; !set {
			result[name] = value
		}
	}
	return result, nil
}

func environmentSource(ctx context.Context, objects *objects, source *corev1.EnvFromSource) (map[string][]byte, error) {
	switch {
	case source.SecretRef != nil:
		return objects.secret(ctx, source.SecretRef.Name, source.SecretRef.Optional)
	case source.ConfigMapRef != nil:
		return objects.configMap(ctx, source.ConfigMapRef.Name, source.ConfigMapRef.Optional)
	}
	return nil, nil
}

// environmentValue resolves one valueFrom; not found without an error is an optional source that is not there.
func environmentValue(ctx context.Context, objects *objects, pod *corev1.Pod, facts podFacts,
	container *corev1.Container, from *corev1.EnvVarSource) (string, bool, error) {
	switch {
	case from.FieldRef != nil:
		value, err := fieldValue(pod, facts, from.FieldRef.FieldPath)
		return value, err == nil, err
	case from.ResourceFieldRef != nil:
		value, err := resourceValue(pod, facts, container, from.ResourceFieldRef)
		return value, err == nil, err
	case from.SecretKeyRef != nil:
		ref := from.SecretKeyRef
		data, err := objects.secret(ctx, ref.Name, ref.Optional)
		if err != nil {
			return "", false, err
		}
		return keyOf(data, ref.Key, ref.Optional, "Secret", pod.Namespace, ref.Name)
	case from.ConfigMapKeyRef != nil:
		ref := from.ConfigMapKeyRef
		data, err := objects.configMap(ctx, ref.Name, ref.Optional)
		if err != nil {
			return "", false, err
		}
		return keyOf(data, ref.Key, ref.Optional, "ConfigMap", pod.Namespace, ref.Name)
	}
	return "", false, fmt.Errorf("a valueFrom of container %s is of a kind that process-nodes does not know", container.Name)
}

func keyOf(data map[string][]byte, key string, optional *bool, kind, namespace, name string) (string, bool, error) {
	value, found := data[key]
	if !found && !isTrue(optional) {
		return "", false, fmt.Errorf("couldn't find key %s in %s %s/%s", key, kind, namespace, name)
	}
	return string(value), found, nil
}

// environmentList is the form that a process takes, sorted by name.
func environmentList(values map[string]string) []string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(values)) {
		list = append(list, name+"="+values[name])
	}
	return list
}
