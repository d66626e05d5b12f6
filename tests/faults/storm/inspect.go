package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// findings of one look: what is wrong, and what is right about evictions.
type findings struct {
	differences, unsaid, evictions []string
	evicted                        map[string][]string
	figures                        bookFigures
	evidence                       map[string]any
}

func (f *findings) count() int { return len(f.differences) + len(f.unsaid) + len(f.evictions) }

func (f *findings) none() bool { return f.count() == 0 }

// isHopeless: what is left cannot be mended any more.
func (f *findings) isHopeless() bool {
	return !f.none() && f.count() == f.figures.untrue+f.figures.doubled
}

// note tells what is still amiss, for whoever asks why it took so long.
func (f *findings) note(to io.Writer) {
	fmt.Fprintf(to, "%s %d differences, %d not said, %d about evictions\n", time.Now().UTC().Format("15:04:05.000"),
		len(f.differences), len(f.unsaid), len(f.evictions))
	for _, list := range [][]string{f.differences, f.unsaid, f.evictions} {
		for _, problem := range list[:min(len(list), 3)] {
			fmt.Fprintln(to, "   ", problem)
		}
	}
}

// keep writes what both sides had, for whoever looks into it.
func (f *findings) keep(path string) {
	text, err := json.MarshalIndent(f.evidence, "", " ")
	if err == nil {
		err = os.WriteFile(path, text, 0o600)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "storm:", err)
	}
}

func (s *storm) inspect(ctx context.Context, f *fresh) (findings, error) {
	result := findings{evicted: map[string][]string{}}
	objects, err := s.api.listClusters(ctx)
	if err != nil {
		return result, err
	}
	clusters := make([]clusterView, len(objects))
	for i := range objects {
		text, err := json.Marshal(objects[i].Object)
		if err != nil {
			return result, err
		}
		if err := json.Unmarshal(text, &clusters[i]); err != nil {
			return result, err
		}
	}
	var pods *corev1.PodList
	err = persist(ctx, "listing the pods", func() (err error) {
		pods, err = s.api.client.CoreV1().Pods("").List(ctx, metav1.ListOptions{})
		return err
	})
	if err != nil {
		return result, err
	}
	var leases *coordinationv1.LeaseList
	err = persist(ctx, "listing the Leases", func() (err error) {
		leases, err = s.api.client.CoordinationV1().Leases("").List(ctx, metav1.ListOptions{LabelSelector: "app.kubernetes.io/managed-by=proget-sidecar"})
		return err
	})
	if err != nil {
		return result, err
	}
	writes, err := f.writes(ctx, clusters)
	if err != nil {
		return result, err
	}
	result.evidence = map[string]any{"clusters": objects, "pods": pods.Items, "fresh": writes}
	if writes == nil {
		result.differences = []string{"the fresh operator has not published everything yet"}
	} else {
		result.differences = compare(clusters, pods.Items, leases.Items, writes)
	}
	b, err := s.openBooks(ctx)
	if err != nil {
		return result, err
	}
	b.balance()
	result.unsaid, result.figures = b.unsaid, b.figures
	for i := range clusters {
		problems, right := s.world.evictionsDiffer(&clusters[i])
		result.evictions = append(result.evictions, problems...)
		result.evicted[clusters[i].Metadata.UID] = right
	}
	slices.Sort(result.unsaid)
	return result, nil
}

// Codes of which a fresh operator knows less: those that have to be true for a while, and those that rest on memory.
var codesOfMemory = map[string]bool{"Evicted": true, "EvictionsFrequent": true, "ClusterEmpty": true, "HeartbeatMissing": true,
	"HealthUnreachable": true, "ReactivationExpected": true, "VersionMismatch": true, "TopologyUnknown": true, "NodeCapacityLow": true}

// Conditions that follow from such codes.
var conditionsOfMemory = map[string]bool{"EvictionResistant": true, "Ready": true}

// facts are the lines of a status that have to be equal.
func facts(status *statusView) []string {
	lines := []string{fmt.Sprintf("servers %d, healthy %d", status.Servers, status.HealthyServers)}
	for i := range status.Findings {
		f := &status.Findings[i]
		if !codesOfMemory[f.Code] && f.Cleared == "" {
			lines = append(lines, fmt.Sprintf("finding %s %s on %s, cause %q, related %s", f.Severity, f.Code, f.Object.text(), f.Cause, relatedText(f.Related)))
		}
	}
	for i := range status.Suppressed {
		f := &status.Suppressed[i]
		if !codesOfMemory[f.Code] {
			lines = append(lines, fmt.Sprintf("left out: %s on %s", f.Code, f.Object.text()))
		}
	}
	for _, condition := range status.Conditions {
		if !conditionsOfMemory[condition.Type] {
			lines = append(lines, fmt.Sprintf("condition %s %s %s", condition.Type, condition.Status, condition.Reason))
		}
	}
	for _, member := range status.Members {
		lines = append(lines, fmt.Sprintf("member %s %s on %s, %s", member.Name, member.UID, member.Node, member.Heartbeat))
	}
	slices.Sort(lines)
	return lines
}

// compare is what the two sides do not have in common.
func compare(clusters []clusterView, pods []corev1.Pod, leases []coordinationv1.Lease, writes map[string]json.RawMessage) []string {
	var problems []string
	expected := map[string]bool{}
	for i := range clusters {
		cluster := &clusters[i]
		expected[statusPath(cluster)] = true
		var from clusterView
		if err := json.Unmarshal(writes[statusPath(cluster)], &from); err != nil {
			problems = append(problems, fmt.Sprintf("%s: the fresh status cannot be read: %v", cluster.name(), err))
			continue
		}
		problems = append(problems, difference(cluster.name(), facts(&cluster.Status), facts(&from.Status))...)
	}
	for i := range pods {
		pod := &pods[i]
		expected[podPath(pod.Namespace, pod.Name)] = true
		// What a terminating pod says is as old as the moment at which it became one.
		if pod.DeletionTimestamp == nil {
			problems = append(problems, difference("pod "+pod.Namespace+"/"+pod.Name, annotationsOf(pod.Annotations), annotationsIn(writes[podPath(pod.Namespace, pod.Name)]))...)
		}
	}
	for i := range leases {
		lease := &leases[i]
		path := "/apis/coordination.k8s.io/v1/namespaces/" + lease.Namespace + "/leases/" + lease.Name
		expected[path] = true
		// It is written only where the settings were not there yet when the fresh operator looked.
		for _, line := range annotationsIn(writes[path]) {
			if !slices.Contains(annotationsOf(lease.Annotations), line) {
				problems = append(problems, "Lease "+lease.Namespace+"/"+lease.Name+" lacks "+line)
			}
		}
	}
	for path := range writes {
		if !expected[path] && !strings.Contains(path, "/events/") {
			problems = append(problems, "the fresh operator writes "+path+": what is there differs")
		}
	}
	return problems
}

func annotationsOf(annotations map[string]string) []string {
	var lines []string
	for _, name := range slices.Sorted(maps.Keys(annotations)) {
		if strings.HasPrefix(name, prefix) {
			lines = append(lines, name+": "+annotations[name])
		}
	}
	return lines
}

func annotationsIn(body json.RawMessage) []string {
	var pod struct {
		Metadata struct {
			Annotations map[string]string `json:"annotations"`
		} `json:"metadata"`
	}
	if body == nil || json.Unmarshal(body, &pod) != nil {
		return nil
	}
	return annotationsOf(pod.Metadata.Annotations)
}

func difference(what string, published, computed []string) []string {
	var problems []string
	for _, line := range published {
		if !slices.Contains(computed, line) {
			problems = append(problems, what+": only published: "+line)
		}
	}
	for _, line := range computed {
		if !slices.Contains(published, line) {
			problems = append(problems, what+": only computed anew: "+line)
		}
	}
	return problems
}
