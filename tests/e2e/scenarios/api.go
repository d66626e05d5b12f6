package main

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// tree is a JSON object.
type tree = map[string]any

// api is the API server, as its administrator.
type api struct {
	server string
	client *http.Client
}

// apiOpen reads the administrator's certificate from the folder that tests/cluster/start.sh made.
func apiOpen(server, cluster string) (*api, error) {
	pki := filepath.Join(cluster, "pki")
	pair, err := tls.LoadX509KeyPair(filepath.Join(pki, "admin.crt"), filepath.Join(pki, "admin.key"))
	if err != nil {
		return nil, err
	}
	authority, err := os.ReadFile(filepath.Join(pki, "ca.crt"))
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(authority) {
		return nil, fmt.Errorf("no certificate in %s", pki)
	}
	transport := &http.Transport{
		TLSClientConfig:   &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12},
		ForceAttemptHTTP2: true,
	}
	return &api{server: server, client: &http.Client{Transport: transport, Timeout: 30 * time.Second}}, nil
}

// refusal is an answer of the server that says no.
type refusal struct {
	code    int
	message string
}

func (r *refusal) Error() string { return fmt.Sprintf("%d %s", r.code, r.message) }

func isCode(err error, code int) bool {
	said, ok := err.(*refusal)
	return ok && said.code == code
}

// call sends an object (nil: none) and returns the one that is answered.
func (a *api) call(method, path, contentType string, object any) (tree, error) {
	var body io.Reader
	if object != nil {
		text, err := json.Marshal(object)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(text)
	}
	request, err := http.NewRequest(method, a.server+path, body)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", contentType)
	request.Header.Set("Accept", "application/json")
	answer, err := a.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	result := tree{}
	err = json.NewDecoder(answer.Body).Decode(&result)
	if answer.StatusCode >= 300 {
		return nil, &refusal{answer.StatusCode, text(result, "message")}
	}
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w", method, path, err)
	}
	return result, nil
}

func (a *api) get(path string) (tree, error) { return a.call("GET", path, "application/json", nil) }

func (a *api) post(path string, object any) (tree, error) {
	return a.call("POST", path, "application/json", object)
}

func (a *api) put(path string, object any) (tree, error) {
	return a.call("PUT", path, "application/json", object)
}

func (a *api) patch(path string, object any) (tree, error) {
	return a.call("PATCH", path, "application/merge-patch+json", object)
}

// remove deletes with that grace.
func (a *api) remove(path string, graceSeconds int) error {
	_, err := a.call("DELETE", path, "application/json", tree{"kind": "DeleteOptions", "apiVersion": "v1",
		"gracePeriodSeconds": graceSeconds})
	return err
}

// inParallel runs the function for each element, so many at a time.
func inParallel[T any](atATime int, items []T, run func(T)) {
	var wait sync.WaitGroup
	slots := make(chan struct{}, atATime)
	for _, item := range items {
		slots <- struct{}{}
		wait.Go(func() {
			run(item)
			<-slots
		})
	}
	wait.Wait()
}

// await looks until the condition is true; false when the time is up.
func await(limit time.Duration, condition func() bool) bool {
	deadline := time.Now().Add(limit)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		if condition() {
			return true
		}
		if time.Now().After(deadline) {
			return false
		}
		<-tick.C
	}
}

// member, text and list read what may be absent.
func member(object tree, path ...string) tree {
	for _, name := range path {
		object, _ = object[name].(tree)
	}
	return object
}

func text(object tree, path ...string) string {
	last := len(path) - 1
	value, _ := member(object, path[:last]...)[path[last]].(string)
	return value
}

func list(object tree, path ...string) []tree {
	last := len(path) - 1
	values, _ := member(object, path[:last]...)[path[last]].([]any)
	found := make([]tree, 0, len(values))
	for _, value := range values {
		if each, ok := value.(tree); ok {
			found = append(found, each)
		}
	}
	return found
}

func lower(name string) string { return strings.ToLower(name) }
