package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"
)

type reference struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace,omitempty"`
	Name      string `json:"name"`
	UID       string `json:"uid,omitempty"`
}

func (r reference) text() string {
	return fmt.Sprintf("%s/%s/%s/%s", r.Kind, r.Namespace, r.Name, r.UID)
}

// finding is one as a status has it.
type finding struct {
	ID         string      `json:"id"`
	Code       string      `json:"code"`
	Severity   string      `json:"severity"`
	Object     reference   `json:"object"`
	Related    []reference `json:"related"`
	Cause      string      `json:"cause"`
	Occurrence string      `json:"occurrence"`
	Message    string      `json:"message"`
	Since      string      `json:"since"`
	Cleared    string      `json:"cleared"`
	Announced  bool        `json:"announced"`
}

type clusterView struct {
	Metadata struct {
		Name            string `json:"name"`
		Namespace       string `json:"namespace"`
		UID             string `json:"uid"`
		ResourceVersion string `json:"resourceVersion"`
	} `json:"metadata"`
	Status statusView `json:"status"`
}

type statusView struct {
	Servers        int64     `json:"servers"`
	HealthyServers int64     `json:"healthyServers"`
	Findings       []finding `json:"findings"`
	Suppressed     []finding `json:"suppressed"`
	Conditions     []struct {
		Type   string `json:"type"`
		Status string `json:"status"`
		Reason string `json:"reason"`
	} `json:"conditions"`
	Members []struct {
		Name      string `json:"name"`
		UID       string `json:"uid"`
		Node      string `json:"node"`
		Heartbeat string `json:"heartbeat"`
	} `json:"members"`
	Evictions []struct {
		Pod   string `json:"pod"`
		UID   string `json:"uid"`
		Cause string `json:"cause"`
	} `json:"evictions"`
}

func (c *clusterView) name() string { return c.Metadata.Namespace + "/" + c.Metadata.Name }

// spell is one time that a finding stood in a cluster's status, from its first status on to the last.
type spell struct {
	cluster     string // the ProGetCluster's uid
	clusterName string
	finding     finding // as last seen
	sinceMicros int64
	announced   bool            // it was ever said to be
	cleared     map[string]bool // every time that was given for its end
	firstSeen   time.Time
	endedAt     time.Time // zero: it stands, or its end is still to be announced
	endedWith   bool      // the ProGetCluster itself went
	goesOn      bool      // the status that lacks it has the same of the same object, with others involved
	isOpen      bool
}

// history is every status that there ever was, read from etcd itself: the API server loses watchers when it is killed.
type history struct {
	etcd     string
	world    *world
	mutex    sync.Mutex
	spells   map[string]*spell // by cluster, id and since
	clusters map[string]string // key in etcd: uid
	last     int64             // revision
	statuses int
	problems []string
}

const etcdPrefix = "/registry/proget-operator.io/progetclusters/"

func newHistory(etcd string, w *world) *history {
	return &history{etcd: etcd, world: w, spells: map[string]*spell{}, clusters: map[string]string{}}
}

// revision is that of the newest status seen.
func (h *history) revision() int64 {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	return h.last
}

// start returns once the watch is established; it goes on until ctx ends.
func (h *history) start(ctx context.Context) error {
	ready := make(chan error, 1)
	go func() {
		for ctx.Err() == nil {
			err := h.watch(ctx, func() {
				select {
				case ready <- nil:
				default:
				}
			})
			if !sleep(ctx, 100*time.Millisecond) {
				return
			}
			h.mutex.Lock()
			first := h.last == 0
			h.mutex.Unlock()
			if first {
				select {
				case ready <- fmt.Errorf("watching etcd: %w", err):
				default:
				}
			}
		}
	}()
	select {
	case err := <-ready:
		return err
	case <-time.After(10 * time.Second):
		return fmt.Errorf("%s does not answer a watch", h.etcd)
	}
}

type etcdFrame struct {
	Result struct {
		Created  bool `json:"created"`
		Canceled bool `json:"canceled"`
		Events   []struct {
			Type  string `json:"type"`
			Value struct {
				Key      []byte `json:"key"`
				Value    []byte `json:"value"`
				Revision string `json:"mod_revision"`
			} `json:"kv"`
		} `json:"events"`
	} `json:"result"`
}

func (h *history) watch(ctx context.Context, onCreated func()) error {
	end := []byte(etcdPrefix)
	end[len(end)-1]++
	h.mutex.Lock()
	from := h.last + 1
	h.mutex.Unlock()
	body, err := json.Marshal(map[string]any{"create_request": map[string]any{
		"key": []byte(etcdPrefix), "range_end": end, "start_revision": strconv.FormatInt(from, 10)}})
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, h.etcd+"/v3/watch", bytes.NewReader(body))
	if err != nil {
		return err
	}
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	decoder := json.NewDecoder(answer.Body)
	for {
		var frame etcdFrame
		if err := decoder.Decode(&frame); err != nil {
			return err
		}
		if frame.Result.Canceled {
			return fmt.Errorf("etcd cancelled the watch")
		}
		if frame.Result.Created {
			onCreated()
		}
		for _, event := range frame.Result.Events {
			revision, err := strconv.ParseInt(event.Value.Revision, 10, 64)
			if err != nil {
				return err
			}
			h.take(string(event.Value.Key), event.Value.Value, event.Type == "DELETE", revision)
		}
	}
}

// take is one change of one ProGetCluster.
func (h *history) take(key string, value []byte, isGone bool, revision int64) {
	h.mutex.Lock()
	defer h.mutex.Unlock()
	h.last = revision
	now := time.Now()
	if isGone {
		h.close(h.clusters[key], nil, true, now)
		delete(h.clusters, key)
		return
	}
	var cluster clusterView
	if err := json.Unmarshal(value, &cluster); err != nil {
		h.problems = append(h.problems, fmt.Sprintf("%s at %d cannot be read: %v", key, revision, err))
		return
	}
	h.clusters[key] = cluster.Metadata.UID
	h.statuses++
	standing := map[string]bool{}
	for i := range cluster.Status.Findings {
		f := &cluster.Status.Findings[i]
		name := h.see(&cluster, f, now)
		standing[name] = true
		// One that came and ended between two statuses, for a write was refused, has its own Events, which tell of both.
		if f.Cleared == "" || h.spells[name].firstSeen.Equal(now) {
			standing[f.subject()] = true
		}
	}
	h.close(cluster.Metadata.UID, standing, false, now)
}

// see takes one finding of a status in, and returns what its spell is known by.
func (h *history) see(cluster *clusterView, f *finding, now time.Time) string {
	name := cluster.Metadata.UID + " " + f.ID + " " + f.Since
	s := h.spells[name]
	if s == nil {
		since, err := time.Parse(time.RFC3339Nano, f.Since)
		if err != nil {
			h.problems = append(h.problems, fmt.Sprintf("%s: since %q", cluster.name(), f.Since))
		}
		s = &spell{cluster: cluster.Metadata.UID, clusterName: cluster.name(), sinceMicros: since.UnixMicro(), cleared: map[string]bool{}, firstSeen: now}
		h.spells[name] = s
	}
	if s.announced && !f.Announced {
		h.problems = append(h.problems, fmt.Sprintf("%s: %s was announced, and is not any more", s.clusterName, s.text()))
	}
	if !s.isOpen && !s.firstSeen.Equal(now) {
		h.problems = append(h.problems, fmt.Sprintf("%s: %s was over, and is there again", s.clusterName, s.text()))
	}
	s.finding, s.isOpen, s.endedAt = *f, true, time.Time{}
	s.announced = s.announced || f.Announced
	if f.Cleared != "" {
		s.cleared[f.Cleared] = true
	}
	return name
}

// subject is what a finding says of what, whoever else is involved.
func (f *finding) subject() string { return f.Code + " " + f.Object.text() }

// close ends the spells of a cluster that its newest status lacks.
func (h *history) close(cluster string, standing map[string]bool, isGone bool, now time.Time) {
	for name, s := range h.spells {
		if s.isOpen && s.cluster == cluster && !standing[name] {
			s.isOpen, s.endedAt, s.endedWith, s.goesOn = false, now, isGone, standing[s.finding.subject()]
		}
	}
}

func (s *spell) text() string {
	return fmt.Sprintf("%s of %s %s since %s (id %s, cause %q, related %s)", s.finding.Code, s.finding.Object.Kind, s.finding.Object.Name,
		s.finding.Since, s.finding.ID, s.finding.Cause, relatedText(s.finding.Related))
}

func relatedText(related []reference) string {
	var names []string
	for _, r := range related {
		names = append(names, r.text())
	}
	slices.Sort(names)
	return fmt.Sprint(names)
}
