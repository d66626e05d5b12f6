package main

import (
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"
)

// readSeverities asks the plugin for the catalogue: code to severity.
func readSeverities(plugin string) (map[string]string, error) {
	output, err := exec.Command(plugin, "explain").Output()
	if err != nil {
		return nil, fmt.Errorf("%s explain: %w", plugin, err)
	}
	severities := map[string]string{}
	for _, line := range strings.Split(string(output), "\n") {
		if words := strings.Fields(line); len(words) > 2 && slices.Contains([]string{"error", "warning", "info"}, words[1]) {
			severities[words[0]] = words[1]
		}
	}
	if len(severities) == 0 {
		return nil, fmt.Errorf("%s explain: names no code", plugin)
	}
	return severities, nil
}

// lineOf is a finding in one line, as tests/unit/test_scenarios.c writes it.
func lineOf(code, object string, related []string, cause, severity string) string {
	slices.Sort(related)
	if cause == "" {
		cause = "-"
	}
	return fmt.Sprintf("%s %s [%s] %s %s", code, object, strings.Join(related, ","), cause, severity)
}

func leftOutLine(code, object, reason string) string {
	return fmt.Sprintf("left out: %s %s %s", code, object, reason)
}

// wantedLines are those of expected.yaml.
func wantedLines(each *scenario, severities map[string]string) (map[string]int, error) {
	lines := map[string]int{}
	for _, item := range list(each.expected, "findings") {
		severity := text(item, "severity")
		if severity == "" {
			severity = severities[text(item, "code")]
		}
		if severity == "" {
			return nil, fmt.Errorf("%s: %s is not in the catalogue", each.name, text(item, "code"))
		}
		var related []string
		if names, ok := item["related"].([]any); ok {
			for _, name := range names {
				related = append(related, fmt.Sprint(name))
			}
		}
		lines[lineOf(text(item, "code"), text(item, "object"), related, text(item, "cause"), severity)]++
	}
	for _, item := range list(each.expected, "suppressed") {
		lines[leftOutLine(text(item, "code"), text(item, "object"), text(item, "reason"))]++
	}
	return lines, nil
}

// isServer: it is a pod, and has the labels of a ProGetCluster's selector, or there is no ProGetCluster.
func isServer(each *scenario, object tree) bool {
	if text(object, "kind") != "Pod" || !hasKind(each.objects, "ProGetCluster") {
		return text(object, "kind") == "Pod"
	}
	return slices.ContainsFunc(each.objects, func(cluster tree) bool {
		for name, value := range member(cluster, "spec", "selector", "matchLabels") {
			if member(object, "metadata", "labels")[name] != value {
				return false
			}
		}
		return text(cluster, "kind") == "ProGetCluster"
	})
}

// wantedLive is what is expected of a running operator. Offline, a workload of which the input has no pods is there all
// the same (these are manifests); a running operator sees that its pods are missing, unless none are meant. So it says exactly one thing more:
// that the cluster is empty, where that is not for another one that has taken all.
func wantedLive(each *scenario, clusters []tree, names namer) map[string]int {
	hasServer := slices.ContainsFunc(each.objects, func(object tree) bool { return isServer(each, object) })
	hasWorkload := slices.ContainsFunc(each.objects, func(object tree) bool { return member(object, "spec", "template") != nil && !isScaledDown(object) })
	if hasServer || !hasWorkload {
		return each.wanted
	}
	wanted := maps.Clone(each.wanted)
	for _, cluster := range clusters {
		reference := tree{"kind": "ProGetCluster", "namespace": text(cluster, "metadata", "namespace"),
			"name": text(cluster, "metadata", "name")}
		overlaps := false // then its selector does match, and ClusterOverlap says with whom
		for line := range each.wanted {
			overlaps = overlaps || strings.HasPrefix(line, "ClusterOverlap "+names.name(reference)+" ")
		}
		if !overlaps {
			wanted[lineOf("ClusterEmpty", names.name(reference), nil, "", "warning")] = 1
		}
	}
	return wanted
}

func isScaledDown(workload tree) bool {
	replicas, isSet := member(workload, "spec")["replicas"]
	return isSet && number(replicas) == 0
}

// namer names the objects of findings. Of a cluster that the operator declared by itself, offline there is only the
// workload that it was found by: it is named as that.
type namer struct {
	number   string            // of the scenario
	declared map[string]string // "namespace/name" of such a ProGetCluster to "Kind/name"
}

func (n namer) name(reference tree) string {
	if text(reference, "kind") == "ProGetCluster" {
		if workload := n.declared[text(reference, "namespace")+"/"+text(reference, "name")]; workload != "" {
			return workload
		}
	}
	return text(reference, "kind") + "/" + strings.TrimPrefix(text(reference, "name"), n.number+"-")
}

// newNamer knows the clusters. `own` are the scenario's own ProGetClusters ("namespace/name").
func newNamer(number string, clusters []tree, own map[string]bool) namer {
	names := namer{number: number, declared: map[string]string{}}
	for _, cluster := range clusters {
		key := text(cluster, "metadata", "namespace") + "/" + text(cluster, "metadata", "name")
		if owners := list(cluster, "metadata", "ownerReferences"); !own[key] && len(owners) > 0 {
			names.declared[key] = text(owners[0], "kind") + "/" + text(owners[0], "name")
		}
	}
	return names
}

// foundLines are those of the ProGetClusters' statuses.
func foundLines(clusters []tree, names namer) map[string]int {
	lines := map[string]int{}
	for _, cluster := range clusters {
		for _, finding := range list(cluster, "status", "findings") {
			if finding["cleared"] != nil {
				continue
			}
			var related []string
			for _, each := range list(finding, "related") {
				related = append(related, names.name(each))
			}
			lines[lineOf(text(finding, "code"), names.name(member(finding, "object")), related, text(finding, "cause"),
				text(finding, "severity"))]++
		}
		for _, each := range list(cluster, "status", "suppressed") {
			lines[leftOutLine(text(each, "code"), names.name(member(each, "object")), text(each, "reason"))]++
		}
	}
	return lines
}

// differences of the two, in words; none where they are the same.
func differences(wanted, found map[string]int) []string {
	var said []string
	for line, count := range wanted {
		if found[line] < count {
			said = append(said, "missing: "+line)
		}
	}
	for line, count := range found {
		if wanted[line] < count {
			said = append(said, "not expected: "+line)
		}
	}
	slices.Sort(said)
	return said
}
