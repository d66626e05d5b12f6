package main

import (
	"context"
	"errors"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic/dynamicinformer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
)

var clusters = schema.GroupVersionResource{Group: "proget-operator.io", Version: "v1alpha1", Resource: "progetclusters"}

// subject is one of the two that are compared: a namespace whose pods it watches, and what we see of that namespace.
type subject struct {
	bench     *bench
	namespace string
	label     string // whose value groups the pods
	hasStatus bool   // it shows in a ProGetCluster's status how far it is

	mutex   sync.Mutex
	changed chan struct{} // closed and replaced at each change below
	pods    map[string]*corev1.Pod
	events  map[string]time.Time // pod's name -> when its Event reached us
	cluster *unstructured.Unstructured
}

// note runs a change, and wakes whoever waits.
func (s *subject) note(change func()) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	change()
	close(s.changed)
	s.changed = make(chan struct{})
}

// until returns when the condition holds. It is called with the mutex held.
func (s *subject) until(ctx context.Context, condition func() bool) error {
	for {
		s.mutex.Lock()
		holds, changed := condition(), s.changed
		s.mutex.Unlock()
		if holds {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (b *bench) makeNamespace(name string) error {
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	_, err := b.client.CoreV1().Namespaces().Create(b.ctx, namespace, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return err
	}
	return b.within("the ServiceAccount of "+name, func(ctx context.Context) error {
		one := metav1.ListOptions{FieldSelector: "metadata.name=default"}
		list, err := b.client.CoreV1().ServiceAccounts(name).List(ctx, one)
		if err != nil || len(list.Items) > 0 {
			return err
		}
		one.ResourceVersion = list.ResourceVersion
		watch, err := b.client.CoreV1().ServiceAccounts(name).Watch(ctx, one)
		if err != nil {
			return err
		}
		defer watch.Stop()
		if _, open := <-watch.ResultChan(); !open {
			return errors.New("the watch ended")
		}
		return nil
	})
}

func (b *bench) makeSubjects() error {
	if err := b.makeNamespace("bench-ours"); err != nil {
		return err
	}
	b.ours = &subject{bench: b, namespace: "bench-ours", label: "app", hasStatus: true}
	b.peer = &subject{bench: b, namespace: "bench-peer", label: "bench-peer/group"}
	for _, s := range []*subject{b.ours, b.peer} {
		if err := s.start(); err != nil {
			return err
		}
	}
	_, err := b.dynamic.Resource(clusters).Namespace(b.ours.namespace).Create(b.ctx, oursCluster(), metav1.CreateOptions{})
	return err
}

const group = "bench"

// oursCluster leaves out what the bare pods of the bench would be told besides CoScheduled.
func oursCluster() *unstructured.Unstructured {
	var ignore []any
	for _, code := range []string{"EncryptionKeyMissing", "PriorityClassMissing", "QosNotGuaranteed", "SidecarMissing",
		"SpreadNotEnforced", "DisruptionBudgetMissing", "NoSpareNode"} {
		ignore = append(ignore, map[string]any{"code": code, "reason": "a bench"})
	}
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "proget-operator.io/v1alpha1",
		"kind":       "ProGetCluster",
		"metadata":   map[string]any{"name": "bench"},
		"spec": map[string]any{
			"selector": map[string]any{"matchLabels": map[string]any{"app": group}},
			"ignore":   ignore,
		},
	}}
}

func (s *subject) start() error {
	s.changed = make(chan struct{})
	s.pods, s.events = map[string]*corev1.Pod{}, map[string]time.Time{}
	factory := informers.NewSharedInformerFactoryWithOptions(s.bench.client, 0, informers.WithNamespace(s.namespace))
	keep := func(object any) {
		pod := object.(*corev1.Pod)
		s.note(func() { s.pods[pod.Name] = pod })
	}
	_, err := factory.Core().V1().Pods().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    keep,
		UpdateFunc: func(_, object any) { keep(object) },
		DeleteFunc: func(object any) {
			name, _ := cache.DeletionHandlingMetaNamespaceKeyFunc(object)
			_, name, _ = cache.SplitMetaNamespaceKey(name)
			s.note(func() { delete(s.pods, name) })
		},
	})
	if err != nil {
		return err
	}
	_, err = factory.Events().V1().Events().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: func(object any) {
			now := time.Now()
			event := object.(*eventsv1.Event)
			if event.Reason == "CoScheduled" && event.Action == "Detected" {
				s.note(func() { s.events[event.Regarding.Name] = now })
			}
		},
	})
	if err != nil {
		return err
	}
	factory.Start(s.bench.ctx.Done())
	factory.WaitForCacheSync(s.bench.ctx.Done())
	if s.hasStatus {
		return s.startCluster()
	}
	return nil
}

func (s *subject) startCluster() error {
	factory := dynamicinformer.NewFilteredDynamicSharedInformerFactory(s.bench.dynamic, 0, s.namespace, nil)
	keep := func(object any) { s.note(func() { s.cluster = object.(*unstructured.Unstructured) }) }
	_, err := factory.ForResource(clusters).Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    keep,
		UpdateFunc: func(_, object any) { keep(object) },
	})
	factory.Start(s.bench.ctx.Done())
	factory.WaitForCacheSync(s.bench.ctx.Done())
	return err
}

// isRunning: the node has reported the pod.
func (s *subject) isRunning(name string) bool {
	pod := s.pods[name]
	return pod != nil && pod.Status.Phase == corev1.PodRunning
}

// isAtRest: these pods, and no others, are live, and all that this subject has to write about them is written: a write
// of the status that is under way would hold up the next one, and what is measured is a change in a quiet cluster.
func (s *subject) isAtRest(names ...string) bool {
	if !s.hasStatus {
		return true
	}
	if s.cluster == nil {
		return false
	}
	live := map[string]bool{}
	members, _, _ := unstructured.NestedSlice(s.cluster.Object, "status", "members")
	for _, member := range members {
		fields, _ := member.(map[string]any)
		if name, _ := fields["name"].(string); fields["gone"] == nil {
			live[name] = fields["ip"] != nil
		}
	}
	findings, _, _ := unstructured.NestedSlice(s.cluster.Object, "status", "findings")
	healthy, _, _ := unstructured.NestedInt64(s.cluster.Object, "status", "healthyServers")
	if len(live) != len(names) || healthy != int64(len(names)) || len(findings) > 0 {
		return false
	}
	for _, name := range names {
		pod := s.pods[name]
		if !live[name] || pod == nil || pod.Annotations["proget-operator.io/status"] == "" {
			return false
		}
	}
	return true
}
