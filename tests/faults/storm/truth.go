package main

import (
	"fmt"
	"slices"
	"time"
)

// evictionState is one that the storm caused.
type evictionState struct {
	pod      *podState
	cause    string
	reported map[string]bool // uids of the clusters whose status had it at a quiet point: they keep it
}

func (w *world) noteEviction(p *podState, cause string) {
	w.locked(func() { w.evictions[p.uid] = &evictionState{pod: p, cause: cause, reported: map[string]bool{}} })
}

// notePossible remembers what was true of a pod at some time, by what it is now.
func (w *world) notePossible(p *podState) {
	codes := w.possible[p.uid]
	if codes == nil {
		codes = map[string]bool{}
		w.possible[p.uid] = codes
	}
	for code, isTrue := range map[string]bool{
		"PriorityClassMissing": !p.traits.hasClass,
		"QosNotGuaranteed":     !p.traits.isGuaranteed,
		"SidecarBreaksQos":     p.traits.sidecar == "loose",
		"SidecarMissing":       p.traits.sidecar == "none",
		"EncryptionKeyExposed": p.traits.key == "literal",
		"EncryptionKeyMissing": p.traits.key == "none",
		"HealthProbeRestarts":  p.traits.probesHealth,
		"HealthError":          p.isFailing,
		"EncryptionKeyDrift":   p.hasDrift,
	} {
		if isTrue {
			codes[code] = true
		}
	}
}

// lacksTruth says why a finding can never have been true; "" where it can.
func (w *world) lacksTruth(f *finding, clusterUID string) string {
	switch f.Code {
	case "SpreadNotEnforced", "EncryptionKeyMismatch", "EvictionsFrequent", "DisruptionBudgetMissing", "ClusterOverlap",
		"ClusterEmpty", "DatabaseEmbedded", "StorageNotShared", "LicenceServerLimit", "ServerCountWrong", "ServerGone",
		"AutoscalerTargets", "NoSpareNode", "NodeCapacityLow", "RolloutBlocked", "TopologyUnknown":
		return "" // of a whole cluster: the comparison at quiet points judges them
	case "CoScheduled":
		return w.neverShared(f, w.byZone[clusterUID])
	case "Evicted":
		if caused := w.evictions[f.Occurrence]; caused == nil || caused.cause != f.Cause {
			return "no such eviction was caused"
		}
		return ""
	}
	if !w.possible[f.Object.UID][f.Code] {
		return "it was never true of that pod"
	}
	return ""
}

func (w *world) neverShared(f *finding, byZone bool) string {
	self := w.pods[f.Object.UID]
	if self == nil {
		return "there was no such pod"
	}
	for _, related := range f.Related {
		if related.Kind != "Pod" {
			continue
		}
		other := w.pods[related.UID]
		if other == nil {
			return "there was no pod " + related.Name
		}
		if other.node != self.node && !(byZone && other.node.zone == self.node.zone) {
			return "they were never on one node"
		}
		if endedBefore(self, other) || endedBefore(other, self) {
			return "they never lived at one time"
		}
	}
	return ""
}

func endedBefore(first, second *podState) bool {
	return !first.ended.IsZero() && first.ended.Before(second.created)
}

// mayEndSilently says whether the end of a finding that was seen to end at that time is one that is not announced: its
// object was deleted, or somebody left it out.
func (w *world) mayEndSilently(f *finding, clusterUID string, at time.Time) bool {
	before := func(what time.Time) bool { return !what.IsZero() && what.Before(at) }
	return before(w.deleted[f.Object.UID]) || before(w.ignored[f.Object.UID][f.Code]) || before(w.ignored[clusterUID][f.Code])
}

// evictionsDiffer compares one cluster's evictions, and what it says of them, with those that were caused. It returns
// the uids that are right as well.
func (w *world) evictionsDiffer(cluster *clusterView) (problems, right []string) {
	reported := map[string]bool{}
	for _, eviction := range cluster.Status.Evictions {
		caused := w.evictions[eviction.UID]
		switch {
		case caused == nil || caused.pod.name != eviction.Pod:
			problems = append(problems, fmt.Sprintf("%s: reports an eviction of %s (%s, %s) that nobody caused", cluster.name(), eviction.Pod, eviction.Cause, eviction.UID))
		case caused.cause != eviction.Cause:
			problems = append(problems, fmt.Sprintf("%s: reports %s of %s, it was %s", cluster.name(), eviction.Cause, eviction.Pod, caused.cause))
		case reported[eviction.UID]:
			problems = append(problems, fmt.Sprintf("%s: reports the eviction of %s twice", cluster.name(), eviction.Pod))
		default:
			right = append(right, eviction.UID)
		}
		reported[eviction.UID] = true
	}
	for uid, caused := range w.evictions {
		if w.mustReport(caused, cluster) && !reported[uid] && len(cluster.Status.Evictions) < evictionsKept {
			problems = append(problems, fmt.Sprintf("%s: does not report the eviction of %s (%s)", cluster.name(), caused.pod.name, caused.cause))
		}
	}
	return append(problems, saidOf(cluster, reported)...), right
}

// evictionsKept is how many a status keeps.
const evictionsKept = 20

// mustReport: it was there at an earlier quiet point, or the pod is still to be seen and is this cluster's alone. Who
// was evicted and is gone before an operator looked left no trace.
func (w *world) mustReport(caused *evictionState, cluster *clusterView) bool {
	if caused.reported[cluster.Metadata.UID] {
		return true
	}
	selecting := w.selecting(caused.pod)
	return slices.Contains(caused.pod.group.ends, caused.pod) && len(selecting) == 1 && selecting[0].uid == cluster.Metadata.UID
}

// saidOf compares the findings about evictions with the evictions.
func saidOf(cluster *clusterView, reported map[string]bool) []string {
	var problems []string
	said, isFrequent := map[string]bool{}, false
	for i := range cluster.Status.Findings {
		f := &cluster.Status.Findings[i]
		if f.Code == "Evicted" {
			said[f.Occurrence] = true
			if !reported[f.Occurrence] {
				problems = append(problems, fmt.Sprintf("%s: says Evicted of %s, but its evictions lack it", cluster.name(), f.Object.Name))
			}
		}
		isFrequent = isFrequent || f.Code == "EvictionsFrequent"
	}
	for uid := range reported {
		if !said[uid] {
			problems = append(problems, fmt.Sprintf("%s: does not say Evicted of %s", cluster.name(), uid))
		}
	}
	if isFrequent != (len(reported) >= 3) {
		problems = append(problems, fmt.Sprintf("%s: %d evictions, and EvictionsFrequent is %v", cluster.name(), len(reported), isFrequent))
	}
	return problems
}

// verified remembers what a status has had: it has to keep it.
func (w *world) verified(evicted map[string][]string) {
	w.locked(func() {
		for cluster, uids := range evicted {
			for _, uid := range uids {
				w.evictions[uid].reported[cluster] = true
			}
		}
	})
}
