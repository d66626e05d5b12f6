package main

import (
	"cmp"
	"encoding/json"
	"os"
	"slices"
	"sync"
	"time"
)

type requestKey struct {
	Verb   string `json:"verb"`
	Path   string `json:"path"`
	Status int    `json:"status"`
}

type requestCount struct {
	requestKey
	Count int64 `json:"count"`
}

// counts is what happened since the start, or since they were reset.
type counts struct {
	mutex    sync.Mutex
	faults   map[string]int64
	requests map[requestKey]int64
}

// Beyond that many paths the rest is counted together.
const countedPathsMax = 20000

func newCounts() *counts {
	return &counts{faults: map[string]int64{}, requests: map[requestKey]int64{}}
}

func (c *counts) noteFault(kind string) {
	c.mutex.Lock()
	c.faults[kind]++
	c.mutex.Unlock()
}

func (c *counts) noteRequest(verb, path string, status int) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	key := requestKey{verb, path, status}
	if _, known := c.requests[key]; !known && len(c.requests) >= countedPathsMax {
		key.Path = "*"
	}
	c.requests[key]++
}

func (c *counts) reset() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	clear(c.faults)
	clear(c.requests)
}

// countsReport is what GET /counts answers.
type countsReport struct {
	Faults      map[string]int64 `json:"faults"`
	Requests    []requestCount   `json:"requests"`
	Connections struct {
		Open     int    `json:"open"`
		Accepted uint64 `json:"accepted"`
		Refused  int64  `json:"refused"`
	} `json:"connections"`
	Streams  int `json:"streams"`
	Upstream struct {
		Connections int   `json:"connections"`
		Failures    int64 `json:"failures"`
	} `json:"upstream"`
}

func (p *proxy) report() countsReport {
	result := countsReport{Faults: map[string]int64{}, Requests: []requestCount{}}
	p.counts.mutex.Lock()
	for kind, count := range p.counts.faults {
		result.Faults[kind] = count
	}
	for key, count := range p.counts.requests {
		result.Requests = append(result.Requests, requestCount{key, count})
	}
	p.counts.mutex.Unlock()
	slices.SortFunc(result.Requests, func(a, b requestCount) int {
		return cmp.Or(cmp.Compare(a.Path, b.Path), cmp.Compare(a.Verb, b.Verb), cmp.Compare(a.Status, b.Status))
	})
	p.connections.mutex.Lock()
	result.Connections.Open, result.Connections.Accepted = len(p.connections.open), p.connections.accepted
	p.connections.mutex.Unlock()
	result.Connections.Refused = p.door.refused.Load()
	p.streams.mutex.Lock()
	result.Streams = len(p.streams.open)
	p.streams.mutex.Unlock()
	result.Upstream.Connections, result.Upstream.Failures = p.upstream.look()
	return result
}

// noteInjected counts and logs that a rule's fault happened.
func (p *proxy) noteInjected(f *firing, owner *connection, info *requestInfo, frames, sent int64) {
	f.rule.noteInjected()
	p.counts.noteFault(f.fault.Kind)
	p.log.note(map[string]any{"fault": f.fault.Kind, "rule": f.rule.id, "connection": owner.id, "verb": info.verb,
		"target": info.target, "userAgent": info.userAgent, "frames": frames, "bytes": sent})
}

// faultLog is a line of JSON per thing done; no headers, no bodies.
type faultLog struct {
	mutex sync.Mutex
	file  *os.File
}

func openFaultLog(path string) (*faultLog, error) {
	if path == "" {
		return &faultLog{}, nil
	}
	file, err := os.OpenFile(path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	return &faultLog{file: file}, err
}

func (l *faultLog) note(entry map[string]any) {
	if l.file == nil {
		return
	}
	entry["time"] = time.Now().UTC().Format(time.RFC3339Nano)
	text, err := json.Marshal(entry)
	if err != nil {
		return
	}
	l.mutex.Lock()
	defer l.mutex.Unlock()
	_, _ = l.file.Write(append(text, '\n'))
}

func (l *faultLog) close() {
	if l.file != nil {
		_ = l.file.Close()
	}
}
