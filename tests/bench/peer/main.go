// bench-peer is what somebody would write with client-go for one check of ours, two servers on one node, lean but
// nothing left out: shared informers over protobuf on pods, nodes and sidecars' Leases, an index, a transform that keeps
// of a pod what the check reads, and the recorder for Events. It is the yardstick, no part of the product.
//
//	bench-peer                watches with $KUBECONFIG; writes "synced" and goes on until its standard input ends
//	bench-peer audit FILE     the same check over the output of kubectl get pods -o yaml
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/clientcmd"
	"k8s.io/client-go/tools/events"
)

const (
	groupLabel    = "bench-peer/group"
	byPlace       = "place"
	leaseSelector = "app.kubernetes.io/managed-by=proget-sidecar"
)

func main() {
	var err error
	if len(os.Args) == 3 && os.Args[1] == "audit" {
		err = audit(os.Args[2])
	} else if len(os.Args) == 1 {
		err = watch()
	} else {
		err = errors.New("usage: bench-peer [audit FILE]")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench-peer:", err)
		os.Exit(2)
	}
}

// place is where a live pod of a group is; "" for all others.
func place(pod *corev1.Pod) string {
	group := pod.Labels[groupLabel]
	if group == "" || pod.Spec.NodeName == "" || pod.DeletionTimestamp != nil ||
		pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
		return ""
	}
	return pod.Namespace + "/" + group + "@" + pod.Spec.NodeName
}

type peer struct {
	pods     cache.Indexer
	recorder events.EventRecorder
	mutex    sync.Mutex
	said     map[types.UID]bool
}

func watch() error {
	config, err := clientcmd.BuildConfigFromFlags("", os.Getenv("KUBECONFIG"))
	if err != nil {
		return err
	}
	config.ContentType = runtime.ContentTypeProtobuf
	config.AcceptContentTypes = runtime.ContentTypeProtobuf + "," + runtime.ContentTypeJSON
	config.QPS = -1
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	broadcaster := events.NewBroadcaster(&events.EventSinkImpl{Interface: client.EventsV1()})
	if err := broadcaster.StartRecordingToSinkWithContext(ctx); err != nil {
		return err
	}
	defer broadcaster.Shutdown()

	all := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithTransform(lean))
	leases := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithTransform(lean),
		informers.WithTweakListOptions(func(options *metav1.ListOptions) { options.LabelSelector = leaseSelector }))
	pods := all.Core().V1().Pods().Informer()
	all.Core().V1().Nodes().Informer()
	leases.Coordination().V1().Leases().Informer()
	if err := pods.AddIndexers(cache.Indexers{byPlace: func(object any) ([]string, error) {
		if key := place(object.(*corev1.Pod)); key != "" {
			return []string{key}, nil
		}
		return nil, nil
	}}); err != nil {
		return err
	}
	p := &peer{pods: pods.GetIndexer(), recorder: broadcaster.NewRecorder(scheme.Scheme, "bench-peer"),
		said: map[types.UID]bool{}}
	if _, err := pods.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { p.look(object.(*corev1.Pod)) },
		UpdateFunc: func(_, object any) { p.look(object.(*corev1.Pod)) },
		DeleteFunc: p.forget,
	}); err != nil {
		return err
	}
	for _, factory := range []informers.SharedInformerFactory{all, leases} {
		factory.Start(ctx.Done())
		factory.WaitForCacheSync(ctx.Done())
	}
	fmt.Println("synced")
	_, err = io.Copy(io.Discard, os.Stdin)
	return err
}

// look says once of each pod that it shares its node.
func (p *peer) look(pod *corev1.Pod) {
	key := place(pod)
	if key == "" {
		return
	}
	sharing, err := p.pods.ByIndex(byPlace, key)
	if err != nil || len(sharing) < 2 {
		return
	}
	for i, object := range sharing {
		other := sharing[(i+1)%len(sharing)].(*corev1.Pod)
		p.say(object.(*corev1.Pod), other)
	}
}

func (p *peer) say(pod, other *corev1.Pod) {
	p.mutex.Lock()
	known := p.said[pod.UID]
	p.said[pod.UID] = true
	p.mutex.Unlock()
	if !known {
		p.recorder.Eventf(pod, other, corev1.EventTypeWarning, "CoScheduled", "Detected",
			"%s shares the node %s with %s. Move one of them.", pod.Name, pod.Spec.NodeName, other.Name)
	}
}

func (p *peer) forget(object any) {
	if unknown, ok := object.(cache.DeletedFinalStateUnknown); ok {
		object = unknown.Obj
	}
	if pod, ok := object.(*corev1.Pod); ok {
		p.mutex.Lock()
		delete(p.said, pod.UID)
		p.mutex.Unlock()
	}
}

// lean keeps what checks read, as careful users of client-go do.
func lean(object any) (any, error) {
	switch object := object.(type) {
	case *corev1.Pod:
		object.ManagedFields, object.Annotations = nil, nil
		object.Spec.Volumes, object.Spec.Tolerations = nil, nil
		for _, containers := range [][]corev1.Container{object.Spec.InitContainers, object.Spec.Containers} {
			for i := range containers {
				containers[i].Env, containers[i].VolumeMounts, containers[i].Args = nil, nil, nil
			}
		}
	case *corev1.Node:
		object.ManagedFields, object.Annotations, object.Status.Images = nil, nil, nil
	case metav1.Object:
		object.SetManagedFields(nil)
	}
	return object, nil
}
