package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// fresh is an operator that knows nothing of what was published: it does not see it, and what it writes goes nowhere.
type fresh struct {
	proxy   *proxy
	process *process
	since   time.Time // the newest write, as first seen
	stamp   string
}

type shadowWrite struct {
	Method string          `json:"method"`
	Path   string          `json:"path"`
	Body   json.RawMessage `json:"body"`
	At     string          `json:"at"`
}

func startFresh(ctx context.Context, o *options, a *api, round int) (*fresh, error) {
	f := &fresh{proxy: newProxy(o.fresh), since: time.Now()}
	rules := []string{
		`{"match":{"resource":"progetclusters"},"fault":{"kind":"strip","paths":[["status"]]}}`,
		`{"match":{"resource":"pods"},"fault":{"kind":"strip","paths":[["metadata","annotations","proget-operator.io/*"]]}}`,
		`{"fault":{"kind":"shadow"}}`,
	}
	for _, rule := range rules {
		if err := f.proxy.add(ctx, rule); err != nil {
			return nil, err
		}
	}
	token := filepath.Join(o.work, "fresh.token")
	if err := writeToken(ctx, a, token); err != nil {
		return nil, err
	}
	config := filepath.Join(o.work, "fresh.kubeconfig")
	if err := writeKubeconfig(config, o.freshServer, filepath.Join(o.fresh, "ca.crt"), token); err != nil {
		return nil, err
	}
	var err error
	f.process, err = startProcess(o, filepath.Join(o.work, fmt.Sprintf("fresh.%d.log", round)), nil,
		"--kubeconfig="+config, "--leader-elect=false")
	return f, err
}

// writes is what it would publish, by path; nil until it has said all and stands still.
func (f *fresh) writes(ctx context.Context, clusters []clusterView) (map[string]json.RawMessage, error) {
	var records []shadowWrite
	if err := f.proxy.get(ctx, "/writes", &records); err != nil {
		return nil, err
	}
	result, stamp := map[string]json.RawMessage{}, fmt.Sprint(len(records))
	for _, record := range records {
		result[record.Path] = record.Body
		stamp = max(stamp, record.At)
	}
	if stamp != f.stamp {
		f.stamp, f.since = stamp, time.Now()
	}
	isComplete := !slices.ContainsFunc(clusters, func(c clusterView) bool { return result[statusPath(&c)] == nil })
	if !isComplete || time.Since(f.since) < 2*time.Second {
		return nil, nil
	}
	return result, nil
}

func statusPath(c *clusterView) string {
	return "/apis/proget-operator.io/v1alpha1/namespaces/" + c.Metadata.Namespace + "/progetclusters/" + c.Metadata.Name + "/status"
}

func podPath(namespace, name string) string {
	return "/api/v1/namespaces/" + namespace + "/pods/" + name + "/status"
}

func (f *fresh) end() {
	problems := f.process.stop()
	if len(problems) > 0 {
		fmt.Fprintln(os.Stderr, "storm: the fresh operator:", problems)
	}
	ctx := context.Background()
	_ = f.proxy.send(ctx, "DELETE", "/rules", "", nil)
	_ = f.proxy.send(ctx, "DELETE", "/writes", "", nil)
}
