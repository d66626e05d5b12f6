package main

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// objects reads Secrets and ConfigMaps of one namespace as they are now. One set serves one look at a pod's
// needs, so an object that is named ten times is read once.
type objects struct {
	client     kubernetes.Interface
	namespace  string
	secrets    map[string]*corev1.Secret
	configMaps map[string]*corev1.ConfigMap
}

func newObjects(client kubernetes.Interface, namespace string) *objects {
	return &objects{client: client, namespace: namespace, secrets: map[string]*corev1.Secret{},
		configMaps: map[string]*corev1.ConfigMap{}}
}

// secret returns the data of a Secret; nil without an error where it does not exist and is optional.
func (o *objects) secret(ctx context.Context, name string, optional *bool) (map[string][]byte, error) {
	found, known := o.secrets[name]
	if !known {
		var err error
		found, err = o.client.CoreV1().Secrets(o.namespace).Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			found = nil
		} else if err != nil {
			return nil, err
		}
		o.secrets[name] = found
	}
	if found == nil {
		if isTrue(optional) {
			return nil, nil
		}
		return nil, fmt.Errorf("secret %q not found", name)
	}
	return found.Data, nil
}

// configMap is the same for ConfigMaps; text and binary data come together.
func (o *objects) configMap(ctx context.Context, name string, optional *bool) (map[string][]byte, error) {
	found, known := o.configMaps[name]
	if !known {
		var err error
		found, err = o.client.CoreV1().ConfigMaps(o.namespace).Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			found = nil
		} else if err != nil {
			return nil, err
		}
		o.configMaps[name] = found
	}
	if found == nil {
		if isTrue(optional) {
			return nil, nil
		}
		return nil, fmt.Errorf("configmap %q not found", name)
	}
	data := map[string][]byte{}
	for key, value := range found.Data {
		data[key] = []byte(value)
	}
	for key, value := range found.BinaryData {
		data[key] = value
	}
	return data, nil
}

func isTrue(value *bool) bool { return value != nil && *value }
