package main

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// change is one row of what may happen; do returns false where there is nothing that it could happen to.
type change struct {
	name   string
	weight int
	do     func(w *world, ctx context.Context, g *group) (bool, error)
}

var changes = []change{
	{"pod created", 14, (*world).createOne},
	{"pod deleted", 8, (*world).deleteOne},
	{"pod terminating", 4, (*world).terminateOne},
	{"pod ended", 9, (*world).endOne},
	{"co-scheduled", 10, (*world).coSchedule},
	{"separated", 8, (*world).separate},
	{"evicted by the kubelet", 5, (*world).evictByKubelet},
	{"evicted through the API", 5, (*world).evictByAPI},
	{"health error", 8, (*world).breakHealth},
	{"health restored", 7, (*world).restoreHealth},
	{"key changed", 3, (*world).changeKey},
	{"key restored", 5, (*world).restoreKey},
	{"key drifts", 2, (*world).driftKey},
	{"pod ignores", 4, (*world).ignoreOnPod},
	{"pod ignores no more", 4, (*world).unignoreOnPod},
	{"cluster ignores", 2, (*world).ignoreOnCluster},
	{"cluster ignores no more", 2, (*world).unignoreOnCluster},
	{"cluster deleted", 2, (*world).deleteCluster},
	{"cluster created", 4, (*world).createCluster},
	{"selector narrowed or widened", 3, (*world).toggleHalf},
	{"clusters overlap, or no more", 2, (*world).toggleOverlap},
	{"pod relabelled", 3, (*world).relabel},
	{"node deleted", 1, (*world).deleteNode},
}

// change makes that many changes, in an order that follows from the seed alone.
func (w *world) change(ctx context.Context, count int) error {
	total := 0
	for _, row := range changes {
		total += row.weight
	}
	for done := 0; done < count; {
		did, err := w.changeOnce(ctx, total)
		if err != nil {
			return err
		}
		if did {
			done++
			if !sleep(ctx, time.Duration(40+w.random.IntN(160))*time.Millisecond) {
				return ctx.Err()
			}
		}
	}
	w.untilBack = 0
	return w.bringNodesBack(ctx)
}

func (w *world) changeOnce(ctx context.Context, total int) (bool, error) {
	if err := w.bringNodesBack(ctx); err != nil {
		return false, err
	}
	at := w.random.IntN(len(w.groups))
	drawn := w.random.IntN(total)
	for _, row := range changes {
		if drawn -= row.weight; drawn >= 0 {
			continue
		}
		if g := w.groups[at]; g.cluster != nil && g.cluster.budget <= 0 {
			row = change{"cluster deleted", 0, (*world).deleteCluster}
		}
		return w.changeFrom(ctx, at, row)
	}
	return false, nil
}

// changeFrom looks for the first group that the change can happen to.
func (w *world) changeFrom(ctx context.Context, at int, row change) (bool, error) {
	for i := range w.groups {
		did, err := row.do(w, ctx, w.groups[(at+i)%len(w.groups)])
		if did {
			w.locked(func() { w.counts[row.name]++ })
		}
		if did || err != nil {
			return did, err
		}
	}
	return false, nil
}

// spend takes from what the clusters that select this pod may still see: a change of the members changes who disagrees.
func (w *world) spend(p *podState, cost int) {
	for _, cluster := range w.selecting(p) {
		mixed := slices.ContainsFunc(cluster.group.pods, func(other *podState) bool { return other.key != 0 || other.traits.key == "none" })
		if mixed || cluster.also != nil {
			cost++
		}
		cluster.budget -= cost
	}
}

func (w *world) podsInAll() int {
	count := 0
	for _, g := range w.groups {
		count += len(g.pods) + len(g.ends)
	}
	return count
}

// anyPod is a live one that fits, and that was not changed too often.
func (w *world) anyPod(g *group, fits func(*podState) bool) *podState {
	var fitting []*podState
	for _, p := range g.pods {
		if p.changes < changesOfPodMax && (fits == nil || fits(p)) {
			fitting = append(fitting, p)
		}
	}
	if len(fitting) == 0 {
		return nil
	}
	p := pick(w.random, fitting)
	p.changes++
	return p
}

func (w *world) createOne(ctx context.Context, g *group) (bool, error) {
	return w.createIn(ctx, g, false)
}

func (w *world) coSchedule(ctx context.Context, g *group) (bool, error) {
	return w.createIn(ctx, g, true)
}

func (w *world) createIn(ctx context.Context, g *group, shared bool) (bool, error) {
	most := podsMax
	if g.isByZone {
		most = podsMin + 1
	}
	if len(g.pods) >= most || w.podsInAll() >= podsTotalMax || w.nodeFor(g, shared) == nil {
		return false, nil
	}
	err := w.addPod(ctx, g, shared)
	if err == nil {
		w.spend(g.pods[len(g.pods)-1], 1)
	}
	return true, err
}

// leave takes a pod out of the living.
func (w *world) leave(p *podState, remains bool) {
	g := p.group
	w.spend(p, 1)
	w.locked(func() {
		p.ended = time.Now()
		g.pods = slices.DeleteFunc(g.pods, func(other *podState) bool { return other == p })
		if remains {
			g.ends = append(g.ends, p)
		}
	})
}

func (w *world) deleteOne(ctx context.Context, g *group) (bool, error) {
	if len(g.pods) <= podsMin {
		return false, nil
	}
	p := pick(w.random, g.pods)
	w.leave(p, false)
	return true, w.deletePod(ctx, p, true)
}

func (w *world) terminateOne(ctx context.Context, g *group) (bool, error) {
	if len(g.pods) <= podsMin {
		return false, nil
	}
	p := pick(w.random, g.pods)
	w.leave(p, true)
	return true, w.deletePod(ctx, p, false)
}

// endOne is what a kubelet, or whoever cleans up, does in the end.
func (w *world) endOne(ctx context.Context, g *group) (bool, error) {
	if len(g.ends) == 0 {
		return false, nil
	}
	p := g.ends[0]
	w.locked(func() { g.ends = g.ends[1:] })
	return true, w.deletePod(ctx, p, true)
}

// separate moves one of two that share a node.
func (w *world) separate(ctx context.Context, g *group) (bool, error) {
	for _, p := range g.pods {
		shares := slices.ContainsFunc(g.pods, func(other *podState) bool { return other != p && other.node == p.node })
		if !shares || w.nodeFor(g, false) == nil {
			continue
		}
		w.leave(p, false)
		if err := w.deletePod(ctx, p, true); err != nil {
			return true, err
		}
		return true, w.addPod(ctx, g, false)
	}
	return false, nil
}

func (w *world) evictByKubelet(ctx context.Context, g *group) (bool, error) {
	p := w.anyPod(g, nil)
	if p == nil || w.nodeFor(g, false) == nil {
		return false, nil
	}
	w.noteEviction(p, "NodePressure")
	w.leave(p, true)
	if err := w.patchStatus(ctx, p, p.evictedStatus()); err != nil {
		return true, err
	}
	return true, w.addPod(ctx, g, false)
}

func (w *world) evictByAPI(ctx context.Context, g *group) (bool, error) {
	p := w.anyPod(g, nil)
	if p == nil || w.nodeFor(g, false) == nil {
		return false, nil
	}
	w.noteEviction(p, "Api")
	w.leave(p, true)
	if err := w.evictThroughAPI(ctx, p); err != nil {
		return true, err
	}
	return true, w.addPod(ctx, g, false)
}

// report changes what a pod's sidecar says.
func (w *world) report(ctx context.Context, g *group, fits func(*podState) bool, set func(*podState)) (bool, error) {
	p := w.anyPod(g, func(p *podState) bool { return p.hasLease && fits(p) })
	if p == nil {
		return false, nil
	}
	w.locked(func() {
		set(p)
		w.notePossible(p)
	})
	return true, w.tellReport(ctx, p)
}

func (w *world) breakHealth(ctx context.Context, g *group) (bool, error) {
	return w.report(ctx, g, func(p *podState) bool { return !p.isFailing }, func(p *podState) { p.isFailing = true })
}

func (w *world) restoreHealth(ctx context.Context, g *group) (bool, error) {
	return w.report(ctx, g, func(p *podState) bool { return p.isFailing }, func(p *podState) { p.isFailing = false })
}

func (w *world) changeKey(ctx context.Context, g *group) (bool, error) {
	return w.report(ctx, g, func(p *podState) bool { return p.key == 0 && p.traits.key != "none" },
		func(p *podState) { p.key = 1 + w.random.IntN(2); w.spend(p, 1) })
}

func (w *world) restoreKey(ctx context.Context, g *group) (bool, error) {
	return w.report(ctx, g, func(p *podState) bool { return p.key != 0 || p.hasDrift },
		func(p *podState) { p.key, p.hasDrift = 0, false; w.spend(p, 1) })
}

func (w *world) driftKey(ctx context.Context, g *group) (bool, error) {
	return w.report(ctx, g, func(p *podState) bool { return !p.hasDrift && p.traits.key != "none" },
		func(p *podState) { p.hasDrift = true })
}

var (
	codesOfPods     = []string{"CoScheduled", "HealthError", "PriorityClassMissing", "QosNotGuaranteed"}
	codesOfClusters = []string{"CoScheduled", "EncryptionKeyMismatch", "PriorityClassMissing", "SpreadNotEnforced"}
)

func (w *world) noteIgnored(uid, code string) {
	w.locked(func() {
		if w.ignored[uid] == nil {
			w.ignored[uid] = map[string]time.Time{}
		}
		if w.ignored[uid][code].IsZero() {
			w.ignored[uid][code] = time.Now()
		}
	})
}

func (w *world) ignoreOnPod(ctx context.Context, g *group) (bool, error) {
	code := pick(w.random, codesOfPods)
	p := w.anyPod(g, func(p *podState) bool { return !p.ignored[code] })
	if p == nil {
		return false, nil
	}
	p.ignored[code] = true
	w.noteIgnored(p.uid, code)
	return true, w.patchPod(ctx, p, "annotations", map[string]any{ignorePrefix + code: "the storm"})
}

func (w *world) unignoreOnPod(ctx context.Context, g *group) (bool, error) {
	for _, code := range codesOfPods {
		if p := w.anyPod(g, func(p *podState) bool { return p.ignored[code] }); p != nil {
			delete(p.ignored, code)
			return true, w.patchPod(ctx, p, "annotations", map[string]any{ignorePrefix + code: nil})
		}
	}
	return false, nil
}

func (w *world) patchCluster(ctx context.Context, c *clusterState, patch map[string]any) error {
	text, err := json.Marshal(patch)
	if err != nil {
		return err
	}
	return persist(ctx, "ProGetCluster "+c.name, func() error {
		_, err := w.api.clusters(c.group.namespace).Patch(ctx, c.name, types.MergePatchType, text, metav1.PatchOptions{})
		return err
	})
}

func (w *world) annotateCluster(ctx context.Context, c *clusterState, code string, value any) error {
	return w.patchCluster(ctx, c, map[string]any{"metadata": map[string]any{"annotations": map[string]any{ignorePrefix + code: value}}})
}

func (w *world) ignoreOnCluster(ctx context.Context, g *group) (bool, error) {
	code := pick(w.random, codesOfClusters)
	if g.cluster == nil || g.cluster.ignored[code] {
		return false, nil
	}
	g.cluster.ignored[code] = true
	g.cluster.budget -= 2
	w.noteIgnored(g.cluster.uid, code)
	return true, w.annotateCluster(ctx, g.cluster, code, "the storm")
}

func (w *world) unignoreOnCluster(ctx context.Context, g *group) (bool, error) {
	for _, code := range codesOfClusters {
		if g.cluster != nil && g.cluster.ignored[code] {
			delete(g.cluster.ignored, code)
			g.cluster.budget -= 2
			return true, w.annotateCluster(ctx, g.cluster, code, nil)
		}
	}
	return false, nil
}

func (w *world) deleteCluster(ctx context.Context, g *group) (bool, error) {
	if g.cluster == nil {
		return false, nil
	}
	name := g.cluster.name
	w.locked(func() { g.cluster = nil })
	return true, persist(ctx, "deleting ProGetCluster "+name, func() error {
		return ignoreNotFound(w.api.clusters(g.namespace).Delete(ctx, name, metav1.DeleteOptions{}))
	})
}

// createCluster looks for a group that lacks its own.
func (w *world) createCluster(ctx context.Context, _ *group) (bool, error) {
	for _, g := range w.groups {
		if g.cluster == nil {
			return true, w.makeCluster(ctx, g)
		}
	}
	return false, nil
}

func (w *world) select_(ctx context.Context, c *clusterState) error {
	c.budget -= 2
	return w.patchCluster(ctx, c, map[string]any{"spec": map[string]any{"selector": c.selector()}})
}

func (w *world) toggleHalf(ctx context.Context, g *group) (bool, error) {
	if g.cluster == nil {
		return false, nil
	}
	w.locked(func() { g.cluster.half = !g.cluster.half })
	return true, w.select_(ctx, g.cluster)
}

// toggleOverlap has the cluster select the next group of its namespace as well.
func (w *world) toggleOverlap(ctx context.Context, g *group) (bool, error) {
	if g.cluster == nil {
		return false, nil
	}
	w.locked(func() {
		if g.cluster.also != nil {
			g.cluster.also = nil
			return
		}
		at := slices.Index(w.groups, g)
		g.cluster.also = w.groups[(at+namespaceCount)%len(w.groups)]
		if other := g.cluster.also.cluster; other != nil {
			other.budget -= 2
		}
	})
	return true, w.select_(ctx, g.cluster)
}

func (w *world) relabel(ctx context.Context, g *group) (bool, error) {
	p := w.anyPod(g, nil)
	if p == nil {
		return false, nil
	}
	w.spend(p, 1)
	half := map[string]string{"a": "b", "b": "a"}[p.half]
	w.locked(func() { p.half = half })
	return true, w.patchPod(ctx, p, "labels", map[string]any{"half": half})
}

// deleteNode: the node comes back soon, long before the pod collector takes its pods for orphans.
func (w *world) deleteNode(ctx context.Context, _ *group) (bool, error) {
	node := pick(w.random, w.nodes)
	if len(w.missing) > 0 {
		return false, nil
	}
	w.locked(func() { node.isGone = true })
	w.missing, w.untilBack = []*nodeState{node}, 5
	return true, persist(ctx, "deleting "+node.name, func() error {
		return ignoreNotFound(w.api.client.CoreV1().Nodes().Delete(ctx, node.name, metav1.DeleteOptions{}))
	})
}

func (w *world) bringNodesBack(ctx context.Context) error {
	w.untilBack--
	if len(w.missing) == 0 || w.untilBack > 0 {
		return nil
	}
	for _, node := range w.missing {
		if err := w.makeNode(ctx, node); err != nil {
			return fmt.Errorf("bringing %s back: %w", node.name, err)
		}
	}
	w.missing = nil
	return nil
}
