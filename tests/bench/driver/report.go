package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"
)

type settings struct {
	Processors  int       `json:"processors"`
	Processor   string    `json:"processor"`
	Load        string    `json:"loadAtStart"`
	Started     time.Time `json:"started"`
	Occurrences int       `json:"occurrences"`
	Pods        int       `json:"pods"`
	PodBytes    int       `json:"podBytes"`
}

// quantiles are milliseconds.
type quantiles struct {
	P50 float64 `json:"p50"`
	P90 float64 `json:"p90"`
	P99 float64 `json:"p99"`
	Max float64 `json:"max"`
}

type latencySide struct {
	FromRequest quantiles `json:"fromRequestMs"`
	FromAnswer  quantiles `json:"fromAnswerMs"`
}

type latencyFigures struct {
	Cluster string      `json:"cluster"`
	Count   int         `json:"count"`
	Ours    latencySide `json:"ours"`
	Peer    latencySide `json:"peer"`
	// Ratio is ours by the peer's, from the request on.
	Ratio struct {
		P50 float64 `json:"p50"`
		P99 float64 `json:"p99"`
	} `json:"ratio"`
}

type memoryMoment struct {
	When     string `json:"when"`
	Operator memory `json:"operator"`
	Sidecar  memory `json:"sidecar"`
	Peer     memory `json:"peer"`
}

const (
	momentDemo    = "the demo's cluster"
	momentForeign = "pods of others"
)

// startFigures are of an operator that finds all those pods there.
type startFigures struct {
	Pods    int     `json:"pods"`
	Seconds float64 `json:"secondsUntilInStep"`
	Peak    int64   `json:"peakBytes"`
	RSS     int64   `json:"rssBytes"`
}

type cpuFigures struct {
	Updates         int     `json:"updates"`
	OperatorSeconds float64 `json:"operatorSeconds"`
	PeerSeconds     float64 `json:"peerSeconds"`
}

type offlineRun struct {
	WallSeconds float64 `json:"wallSeconds"`
	CPUSeconds  float64 `json:"cpuSeconds"`
	PeakBytes   int64   `json:"peakBytes"`
	ExitStatus  int     `json:"exitStatus"`
	Complaint   string  `json:"complaint,omitempty"`
}

type offlineFigures struct {
	Pods  int        `json:"pods"`
	Bytes int64      `json:"bytes"`
	Ours  offlineRun `json:"ours"`
	Peer  offlineRun `json:"peer"`
}

type report struct {
	Settings settings         `json:"settings"`
	Latency  []latencyFigures `json:"latency"`
	Memory   []memoryMoment   `json:"memoryBytes"`
	CPU      []cpuFigures     `json:"cpu"`
	Start    *startFigures    `json:"start"`
	Offline  *offlineFigures  `json:"offline"`
}

func (r *report) describe(o *options) {
	r.Settings = settings{Processors: runtime.NumCPU(), Started: time.Now().UTC().Truncate(time.Second),
		Occurrences: o.occurrences, Pods: o.pods}
	if text, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		for line := range strings.Lines(string(text)) {
			if name, value, _ := strings.Cut(line, ":"); strings.TrimSpace(name) == "model name" {
				r.Settings.Processor = strings.TrimSpace(value)
				break
			}
		}
	}
	if text, err := os.ReadFile("/proc/loadavg"); err == nil {
		r.Settings.Load = strings.Join(strings.Fields(string(text))[:3], " ")
	}
}

func newQuantiles(delays []delay, of func(delay) time.Duration) quantiles {
	var values []float64
	for _, one := range delays {
		values = append(values, float64(of(one).Microseconds())/1000)
	}
	if len(values) == 0 {
		return quantiles{}
	}
	slices.Sort(values)
	// The smallest value that so large a part of all does not exceed.
	at := func(percent int) float64 { return values[(len(values)*percent+99)/100-1] }
	return quantiles{P50: at(50), P90: at(90), P99: at(99), Max: values[len(values)-1]}
}

func newSide(delays []delay) latencySide {
	return latencySide{
		FromRequest: newQuantiles(delays, func(d delay) time.Duration { return d.fromRequest }),
		FromAnswer:  newQuantiles(delays, func(d delay) time.Duration { return d.fromAnswer }),
	}
}

func newLatency(cluster string, ours, peer []delay) latencyFigures {
	result := latencyFigures{Cluster: cluster, Count: len(ours), Ours: newSide(ours), Peer: newSide(peer)}
	result.Ratio.P50 = ratio(result.Ours.FromRequest.P50, result.Peer.FromRequest.P50)
	result.Ratio.P99 = ratio(result.Ours.FromRequest.P99, result.Peer.FromRequest.P99)
	return result
}

func ratio(ours, peer float64) float64 {
	if peer == 0 {
		return 0
	}
	return ours / peer
}

const mebibyte = 1024 * 1024

// print writes one table: figure, ours, the peer's, ratio, aim.
func (r *report) print(output io.Writer) {
	table := tabwriter.NewWriter(output, 0, 0, 2, ' ', tabwriter.AlignRight)
	row := func(what, unit string, ours, peer float64, aim string) {
		fmt.Fprintf(table, "%s\t%.2f\t%.2f\t%.2f\t%s\t%s\t\n", what, ours, peer, ratio(ours, peer), unit, aim)
	}
	fmt.Fprintf(output, "%d x %s, load %s; pods of others of %.1f KB each\n", r.Settings.Processors, r.Settings.Processor,
		r.Settings.Load, float64(r.Settings.PodBytes)/1000)
	fmt.Fprintf(table, "figure\tours\tpeer\tours/peer\tunit\taim\t\n")
	for _, latency := range r.Latency {
		name := fmt.Sprintf("API write to Event, %s cluster", latency.Cluster)
		ours, peer := latency.Ours.FromRequest, latency.Peer.FromRequest
		row(name+" p50", "ms", ours.P50, peer.P50, "")
		row("p90", "ms", ours.P90, peer.P90, "")
		row("p99", "ms", ours.P99, peer.P99, "100")
		row("max", "ms", ours.Max, peer.Max, "")
		row("from the write's answer on, p50", "ms", latency.Ours.FromAnswer.P50, latency.Peer.FromAnswer.P50, "")
		row("p99", "ms", latency.Ours.FromAnswer.P99, latency.Peer.FromAnswer.P99, "")
	}
	for _, moment := range r.Memory {
		row("operator, "+moment.When+": RSS", "MiB", float64(moment.Operator.RSS)/mebibyte, float64(moment.Peer.RSS)/mebibyte, "15")
		row("anonymous", "MiB", float64(moment.Operator.Anonymous)/mebibyte, float64(moment.Peer.Anonymous)/mebibyte, "6")
	}
	if len(r.Memory) > 0 {
		last := r.Memory[len(r.Memory)-1].Sidecar
		fmt.Fprintf(table, "sidecar: RSS\t%.2f\t\t\tMiB\t\t\n", float64(last.RSS)/mebibyte)
		fmt.Fprintf(table, "anonymous\t%.2f\t\t\tMiB\t\t\n", float64(last.Anonymous)/mebibyte)
	}
	for _, cpu := range r.CPU {
		row(fmt.Sprintf("processor time of %d updates", cpu.Updates), "s", cpu.OperatorSeconds, cpu.PeerSeconds, "")
	}
	if r.Start != nil {
		fmt.Fprintf(table, "an operator that starts among them: RSS at its peak\t%.2f\t\t\tMiB\t\t\n", float64(r.Start.Peak)/mebibyte)
		fmt.Fprintf(table, "in step\t%.2f\t\t\tMiB\t\t\n", float64(r.Start.RSS)/mebibyte)
		fmt.Fprintf(table, "until then\t%.2f\t\t\ts\t\t\n", r.Start.Seconds)
	}
	if r.Offline != nil {
		r.printOffline(row)
	}
	_ = table.Flush()
	if r.Offline != nil && r.Offline.Ours.ExitStatus > 1 {
		fmt.Fprintf(output, "The audit ended with status %d: %s\n", r.Offline.Ours.ExitStatus, r.Offline.Ours.Complaint)
	}
}

func (r *report) printOffline(row func(what, unit string, ours, peer float64, aim string)) {
	ours, peer := r.Offline.Ours, r.Offline.Peer
	name := fmt.Sprintf("audit of %d pods, %.1f MB of YAML: time", r.Offline.Pods, float64(r.Offline.Bytes)/1e6)
	row(name, "s", ours.WallSeconds, peer.WallSeconds, "2")
	row("peak memory", "MiB", float64(ours.PeakBytes)/mebibyte, float64(peer.PeakBytes)/mebibyte, "60")
}

func (r *report) write(path string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.WriteFile(path, append(text, '\n'), 0o644)
}
