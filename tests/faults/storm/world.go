package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	schedulingv1 "k8s.io/api/scheduling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

const (
	namespaceCount = 3
	groupCount     = 36
	nodeCount      = 12
	zoneCount      = 4
	podsMin        = 2 // of one group
	podsMax        = 8
	podsTotalMax   = 260
	foreignCount   = 60
	className      = "storm"
	// The operator says at most 25 Events about one object at once; beyond, it takes five minutes for one.
	changesOfPodMax = 6
	budgetOfCluster = 14
)

type nodeState struct {
	name, zone string
	isGone     bool
}

// group is what a ProGetCluster is made for: pods with one label. Its cluster may be missing for a while.
type group struct {
	label, namespace string
	isByZone         bool
	cluster          *clusterState
	clusters         int // made so far: each has a name of its own
	pods             []*podState
	ends             []*podState // failed or terminating, and still there
}

type clusterState struct {
	name, uid string
	group     *group
	half      bool   // selects only the servers labelled half: a
	also      *group // selects that group's servers as well
	ignored   map[string]bool
	budget    int // changes that the cluster itself may still see
}

// world is what the storm made. Only change() and what it calls write to it; the mutex is for readers elsewhere.
type world struct {
	api    *api
	random *rand.Rand
	mutex  sync.Mutex
	nodes  []*nodeState
	groups []*group
	number int            // names are never used twice
	counts map[string]int // changes by kind

	pods      map[string]*podState            // all that ever were, by uid
	deleted   map[string]time.Time            // uid of a pod: when its deletion was asked for
	ignored   map[string]map[string]time.Time // uid of a pod or cluster: code, first left out
	possible  map[string]map[string]bool      // uid of a pod: codes that were true of it at some time
	byZone    map[string]bool                 // uid of a cluster: a zone is what counts as one server
	evictions map[string]*evictionState       // by the pod's uid
	missing   []*nodeState
	untilBack int // changes until the missing nodes come back
}

func newWorld(a *api, random *rand.Rand) *world {
	return &world{api: a, random: random, counts: map[string]int{}, pods: map[string]*podState{}, deleted: map[string]time.Time{},
		ignored: map[string]map[string]time.Time{}, possible: map[string]map[string]bool{}, evictions: map[string]*evictionState{},
		byZone: map[string]bool{}}
}

func (w *world) locked(do func()) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	do()
}

func (w *world) chance(probability float64) bool { return w.random.Float64() < probability }

func pick[T any](random *rand.Rand, from []T) T { return from[random.IntN(len(from))] }

// populate makes what there is before the storm.
func (w *world) populate(ctx context.Context) error {
	if err := w.makeNamespaces(ctx); err != nil {
		return err
	}
	for i := range nodeCount {
		node := &nodeState{name: fmt.Sprintf("node-%02d", i), zone: fmt.Sprintf("zone-%d", i%zoneCount)}
		w.nodes = append(w.nodes, node)
		if err := w.makeNode(ctx, node); err != nil {
			return err
		}
	}
	for i := range groupCount {
		g := &group{label: fmt.Sprintf("g%02d", i), namespace: namespaceName(i % namespaceCount), isByZone: i%12 == 11}
		w.locked(func() { w.groups = append(w.groups, g) })
		if err := w.makeCluster(ctx, g); err != nil {
			return err
		}
		size := podsMin + w.random.IntN(podsMax-podsMin-1)
		if g.isByZone {
			size = podsMin
		}
		for range size {
			if err := w.addPod(ctx, g, w.chance(0.1)); err != nil {
				return err
			}
		}
	}
	return w.makeForeign(ctx)
}

func namespaceName(i int) string { return fmt.Sprintf("storm-%c", 'a'+i) }

func (w *world) makeNamespaces(ctx context.Context) error {
	client := w.api.client
	for i := range namespaceCount {
		namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespaceName(i)}}
		if _, err := client.CoreV1().Namespaces().Create(ctx, namespace, metav1.CreateOptions{}); err != nil {
			return err
		}
		err := persist(ctx, "waiting for a ServiceAccount", func() error {
			_, err := client.CoreV1().ServiceAccounts(namespace.Name).Get(ctx, "default", metav1.GetOptions{})
			if err != nil {
				return fmt.Errorf("not there yet: %s", err)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	class := &schedulingv1.PriorityClass{ObjectMeta: metav1.ObjectMeta{Name: className}, Value: 1000}
	_, err := client.SchedulingV1().PriorityClasses().Create(ctx, class, metav1.CreateOptions{})
	return err
}

// makeForeign makes pods that are no servers: the operator has to take them in as well.
func (w *world) makeForeign(ctx context.Context) error {
	for i := range foreignCount {
		pod := &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("foreign-%d", i), Namespace: namespaceName(i % namespaceCount)},
			Spec: corev1.PodSpec{NodeName: w.nodes[i%nodeCount].name, Tolerations: []corev1.Toleration{{Operator: corev1.TolerationOpExists}},
				Containers: []corev1.Container{{Name: "main", Image: "registry.invalid/foreign:1"}}}}
		if _, err := w.api.client.CoreV1().Pods(pod.Namespace).Create(ctx, pod, metav1.CreateOptions{}); err != nil {
			return err
		}
	}
	return nil
}

func (w *world) makeNode(ctx context.Context, n *nodeState) error {
	amounts := corev1.ResourceList{"cpu": amount("64"), "memory": amount("256Gi"), "pods": amount("500")}
	now := metav1.Now()
	node := &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: n.name, Labels: map[string]string{
		"kubernetes.io/hostname": n.name, "topology.kubernetes.io/zone": n.zone}},
		Status: corev1.NodeStatus{Capacity: amounts, Allocatable: amounts,
			NodeInfo: corev1.NodeSystemInfo{OSImage: "Debian GNU/Linux 12 (bookworm)"},
			Conditions: []corev1.NodeCondition{{Type: corev1.NodeReady, Status: corev1.ConditionTrue, Reason: "KubeletReady",
				LastHeartbeatTime: now, LastTransitionTime: now}}}}
	nodes := w.api.client.CoreV1().Nodes()
	_, err := persistCreate(ctx, "node "+n.name,
		func() (*corev1.Node, error) { return nodes.Create(ctx, node, metav1.CreateOptions{}) },
		func() (*corev1.Node, error) { return nodes.Get(ctx, n.name, metav1.GetOptions{}) })
	w.locked(func() { n.isGone = false })
	return err
}

// makeCluster declares the group's cluster, under a name that was never used.
func (w *world) makeCluster(ctx context.Context, g *group) error {
	g.clusters++
	made := &clusterState{name: fmt.Sprintf("%s-%d", g.label, g.clusters), group: g, ignored: map[string]bool{}, budget: budgetOfCluster}
	spec := map[string]any{"selector": made.selector(), "heartbeat": map[string]any{"intervalSeconds": int64(60), "staleAfterSeconds": int64(7200)}}
	if g.isByZone {
		spec["placement"] = map[string]any{"topologyKey": "topology.kubernetes.io/zone"}
	}
	object := &unstructured.Unstructured{Object: map[string]any{"apiVersion": "proget-operator.io/v1alpha1", "kind": "ProGetCluster",
		"metadata": map[string]any{"name": made.name, "namespace": g.namespace}, "spec": spec}}
	clusters := w.api.clusters(g.namespace)
	answer, err := persistCreate(ctx, "ProGetCluster "+made.name,
		func() (*unstructured.Unstructured, error) {
			return clusters.Create(ctx, object, metav1.CreateOptions{})
		},
		func() (*unstructured.Unstructured, error) { return clusters.Get(ctx, made.name, metav1.GetOptions{}) })
	if err != nil {
		return err
	}
	made.uid = string(answer.GetUID())
	w.locked(func() { g.cluster, w.byZone[made.uid] = made, g.isByZone })
	return nil
}

func (c *clusterState) selector() map[string]any {
	values := []any{c.group.label}
	if c.also != nil {
		values = append(values, c.also.label)
	}
	expressions := []any{map[string]any{"key": "group", "operator": "In", "values": values}}
	if c.half {
		expressions = append(expressions, map[string]any{"key": "half", "operator": "In", "values": []any{"a"}})
	}
	return map[string]any{"matchExpressions": expressions}
}

// selects says whether the cluster's selector, as it is now, fits the pod.
func (c *clusterState) selects(p *podState) bool {
	isInGroup := p.group == c.group || c.also != nil && p.group == c.also
	return isInGroup && (!c.half || p.half == "a")
}

// selecting are the clusters that select a pod.
func (w *world) selecting(p *podState) []*clusterState {
	var result []*clusterState
	for _, g := range w.groups {
		if g.cluster != nil && g.cluster.selects(p) {
			result = append(result, g.cluster)
		}
	}
	return result
}

// renewHeartbeats plays the sidecars' part of the time.
func (w *world) renewHeartbeats(ctx context.Context) {
	for {
		var pods []*podState
		w.locked(func() {
			for _, g := range w.groups {
				pods = append(pods, g.pods...)
			}
		})
		pods = slices.DeleteFunc(pods, func(p *podState) bool { return !p.hasLease })
		if len(pods) == 0 && !sleep(ctx, time.Second) {
			return
		}
		for _, p := range pods {
			if !sleep(ctx, 30*time.Second/time.Duration(len(pods))) {
				return
			}
			// A failure is a heartbeat that did not come; the next one will.
			_ = w.renew(ctx, p)
		}
	}
}
