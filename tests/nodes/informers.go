package main

import (
	"errors"
	"log/slog"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
)

// startInformers watches pods, and Secrets and ConfigMaps as mere signals that files may have changed.
func (m *manager) startInformers() error {
	m.factory = informers.NewSharedInformerFactory(m.client, 0)
	pods := m.factory.Core().V1().Pods().Informer()
	secrets := m.factory.Core().V1().Secrets().Informer()
	configMaps := m.factory.Core().V1().ConfigMaps().Informer()
	err := errors.Join(pods.SetTransform(slim), secrets.SetTransform(slim), configMaps.SetTransform(slim))
	if err != nil {
		return err
	}
	if err := pods.AddIndexers(cache.Indexers{byNode: func(object any) ([]string, error) {
		return []string{object.(*corev1.Pod).Spec.NodeName}, nil
	}}); err != nil {
		return err
	}
	if _, err := pods.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(object any) { m.onPod(object.(*corev1.Pod)) },
		UpdateFunc: func(_, object any) { m.onPod(object.(*corev1.Pod)) },
		DeleteFunc: func(object any) {
			if unknown, ok := object.(cache.DeletedFinalStateUnknown); ok {
				object = unknown.Obj
			}
			if pod, ok := object.(*corev1.Pod); ok {
				m.onPodGone(pod)
			}
		},
	}); err != nil {
		return err
	}
	if _, err := secrets.AddEventHandler(m.onSource(false)); err != nil {
		return err
	}
	if _, err := configMaps.AddEventHandler(m.onSource(true)); err != nil {
		return err
	}
	if _, err := m.factory.Core().V1().Nodes().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		UpdateFunc: func(_, object any) { m.onNode(object.(*corev1.Node)) },
	}); err != nil {
		return err
	}
	m.factory.Start(m.ctx.Done())
	m.factory.WaitForCacheSync(m.ctx.Done())
	return m.ctx.Err()
}

const byNode = "node"

// slim keeps of watched objects what is needed: no field managers, no data.
func slim(object any) (any, error) {
	switch object := object.(type) {
	case *corev1.Pod:
		object.ManagedFields = nil
	case *corev1.Secret:
		object.ManagedFields, object.Annotations, object.Data = nil, nil, nil
	case *corev1.ConfigMap:
		object.ManagedFields, object.Annotations, object.Data, object.BinaryData = nil, nil, nil, nil
	}
	return object, nil
}

// onNode writes a node's conditions again where the node controller has put its own in their place.
func (m *manager) onNode(object *corev1.Node) {
	m.mutex.Lock()
	n := m.nodes[object.Name]
	m.mutex.Unlock()
	if n == nil || !n.isAlive() || !n.differs(object) {
		return
	}
	m.background.Go(func() {
		if err := n.publish(m.ctx); err != nil && m.ctx.Err() == nil {
			slog.Warn("node status not written", "node", object.Name, "error", err)
		}
	})
}

// revisit looks again at all pods of a node that has come or come back.
func (m *manager) revisit(name string) {
	objects, err := m.factory.Core().V1().Pods().Informer().GetIndexer().ByIndex(byNode, name)
	if err != nil {
		return
	}
	for _, object := range objects {
		m.onPod(object.(*corev1.Pod))
	}
}

// onSource refreshes the volumes of every pod that uses a Secret or ConfigMap which has changed.
func (m *manager) onSource(configMap bool) cache.ResourceEventHandler {
	handle := func(object any) {
		var namespace, name string
		switch object := object.(type) {
		case *corev1.Secret:
			namespace, name = object.Namespace, object.Name
		case *corev1.ConfigMap:
			namespace, name = object.Namespace, object.Name
		default:
			return
		}
		m.mutex.Lock()
		defer m.mutex.Unlock()
		for _, worker := range m.workers {
			worker.mail.post(func() {
				if pod := worker.view.pod; pod.Namespace == namespace && usesInFiles(pod, name, configMap) &&
					worker.prepared && !worker.stopping {
					worker.refreshVolumes()
				}
			})
		}
	}
	return cache.ResourceEventHandlerFuncs{
		AddFunc:    handle,
		UpdateFunc: func(_, object any) { handle(object) },
	}
}

// usesInFiles tells whether a volume of the pod shows that object.
func usesInFiles(pod *corev1.Pod, name string, configMap bool) bool {
	for i := range pod.Spec.Volumes {
		volume := &pod.Spec.Volumes[i]
		switch {
		case volume.Secret != nil && !configMap && volume.Secret.SecretName == name,
			volume.ConfigMap != nil && configMap && volume.ConfigMap.Name == name:
			return true
		case volume.Projected != nil:
			for j := range volume.Projected.Sources {
				source := &volume.Projected.Sources[j]
				if source.Secret != nil && !configMap && source.Secret.Name == name {
					return true
				}
				if source.ConfigMap != nil && configMap && source.ConfigMap.Name == name {
					return true
				}
			}
		}
	}
	return false
}
