package main

import (
	"context"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

const (
	operatorNamespace = "proget-operator"
	operatorAccount   = "proget-operator"
	prefix            = "proget-operator.io/"
	ignorePrefix      = "ignore.proget-operator.io/"
)

var clustersResource = schema.GroupVersionResource{Group: "proget-operator.io", Version: "v1alpha1", Resource: "progetclusters"}

// api is the administrator's way to the API server, past the proxies.
type api struct {
	client  kubernetes.Interface
	dynamic dynamic.Interface
}

func connect(kubeconfig string) (*api, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, err
	}
	config.QPS = -1
	config.Timeout = 10 * time.Second
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	objects, err := dynamic.NewForConfig(config)
	return &api{client, objects}, err
}

func (a *api) clusters(namespace string) dynamic.ResourceInterface {
	return a.dynamic.Resource(clustersResource).Namespace(namespace)
}

// persist repeats a request until the API server carried it out: it is killed now and then.
func persist(ctx context.Context, what string, request func() error) error {
	deadline := time.Now().Add(60 * time.Second)
	for {
		err := request()
		if err == nil || isAnswer(err) {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("%s: %w", what, err)
		}
		if !sleep(ctx, 200*time.Millisecond) {
			return ctx.Err()
		}
	}
}

// isAnswer: the server has looked at the request, and will say the same again. What is asked for exists: a server that
// has just started may not know it yet.
func isAnswer(err error) bool {
	return apierrors.IsAlreadyExists(err) || apierrors.IsInvalid(err) || apierrors.IsBadRequest(err)
}

func ignoreNotFound(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

// persistCreate: the answer to an earlier try may have been lost. get is asked then.
func persistCreate[T any](ctx context.Context, what string, create, get func() (T, error)) (T, error) {
	var made T
	err := persist(ctx, "creating "+what, func() (err error) {
		made, err = create()
		return err
	})
	if apierrors.IsAlreadyExists(err) {
		err = persist(ctx, "reading "+what, func() (err error) {
			made, err = get()
			return err
		})
	}
	if err != nil {
		return made, fmt.Errorf("%s: %w", what, err)
	}
	return made, nil
}

func (a *api) listClusters(ctx context.Context) ([]unstructured.Unstructured, error) {
	var result []unstructured.Unstructured
	err := persist(ctx, "listing the ProGetClusters", func() error {
		list, err := a.clusters("").List(ctx, metav1.ListOptions{})
		if err == nil {
			result = list.Items
		}
		return err
	})
	return result, err
}
