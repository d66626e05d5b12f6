package main

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"mime"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"sigs.k8s.io/yaml"
)

// writeRecord is the newest write to an object that was not forwarded.
type writeRecord struct {
	Method      string `json:"method"`
	Path        string `json:"path"`
	Query       string `json:"query,omitempty"`
	ContentType string `json:"contentType,omitempty"`
	Body        any    `json:"body"`
	Count       int64  `json:"count"`
	At          string `json:"at"`
}

type writeSet struct {
	mutex   sync.Mutex
	records map[string]*writeRecord
}

const writesMax = 100000

func newWriteSet() *writeSet { return &writeSet{records: map[string]*writeRecord{}} }

func (s *writeSet) note(record *writeRecord) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	record.Count = 1
	if earlier := s.records[record.Path]; earlier != nil {
		record.Count += earlier.Count
	} else if len(s.records) >= writesMax {
		return
	}
	s.records[record.Path] = record
}

func (s *writeSet) report() []*writeRecord {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	result := []*writeRecord{}
	for _, record := range s.records {
		result = append(result, record)
	}
	slices.SortFunc(result, func(a, b *writeRecord) int { return cmp.Compare(a.Path, b.Path) })
	return result
}

func (s *writeSet) clear() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	clear(s.records)
}

// decodeBody: numbers as they are; YAML, as server-side apply may send it, as JSON; anything else as text.
func decodeBody(text []byte, contentType string) any {
	media, _, _ := mime.ParseMediaType(contentType)
	if strings.Contains(media, "yaml") {
		if converted, err := yaml.YAMLToJSON(text); err == nil {
			text = converted
		}
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.UseNumber()
	var value any
	if len(text) == 0 || decoder.Decode(&value) != nil {
		return string(text)
	}
	return value
}

// shadow records a write and answers as if it had been carried out.
func (x *exchange) shadow() *http.Response {
	text, err := io.ReadAll(io.LimitReader(x.request.Body, bodyMaxBytes))
	if err != nil {
		return objectAnswer(http.StatusBadRequest, failure(400, "", err.Error()))
	}
	contentType := x.request.Header.Get("Content-Type")
	body := decodeBody(text, contentType)
	object, _ := body.(map[string]any)
	metadata, _ := object["metadata"].(map[string]any)
	if metadata == nil {
		metadata = map[string]any{}
	}
	path := x.info.path
	if x.request.Method == http.MethodPost && x.info.subresource == "" {
		name, _ := metadata["name"].(string)
		if prefix, _ := metadata["generateName"].(string); name == "" && prefix != "" {
			sum := sha256.Sum256(text)
			name = fmt.Sprintf("%s%x", prefix, sum[:3])
			metadata["name"] = name
		}
		path = strings.TrimSuffix(path, "/") + "/" + name
	}
	x.proxy.writes.note(&writeRecord{Method: x.request.Method, Path: path, Query: x.request.URL.RawQuery,
		ContentType: contentType, Body: decodeBody(text, contentType), At: time.Now().UTC().Format(time.RFC3339Nano)})
	current := x.current(path)
	if x.request.Method == http.MethodDelete {
		return objectAnswer(http.StatusOK, map[string]any{"kind": "Status", "apiVersion": "v1", "metadata": map[string]any{},
			"status": "Success"})
	}
	if object == nil {
		// A JSON patch, or nothing that can be read: the object as it is.
		object = current
		if object == nil {
			object = map[string]any{}
		}
	} else {
		object["metadata"] = metadata
		identify(object, metadata, current, path)
	}
	code := http.StatusOK
	if x.request.Method == http.MethodPost || current == nil && strings.Contains(contentType, "apply-patch") {
		code = http.StatusCreated
	}
	return objectAnswer(code, object)
}

// current is the object as the upstream has it, nil where it is not to be had.
func (x *exchange) current(path string) map[string]any {
	target := *x.proxy.upstream.base
	target.Path = path
	header := http.Header{"Accept": {"application/json"}, "User-Agent": {x.info.userAgent}}
	for _, value := range x.request.Header.Values("Authorization") {
		header.Add("Authorization", value)
	}
	request := &http.Request{Method: http.MethodGet, URL: &target, Host: target.Host, Header: header, Body: http.NoBody}
	answer, err := x.proxy.upstream.send(request.WithContext(x.request.Context()))
	if err != nil {
		return nil
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, bodyMaxBytes))
	if err != nil || answer.StatusCode != http.StatusOK {
		return nil
	}
	object, _ := decodeBody(text, "application/json").(map[string]any)
	return object
}

// identify gives an answered object what a server would: who it is, and in which version.
func identify(object, metadata, current map[string]any, path string) {
	sum := sha256.Sum256([]byte(path))
	known := map[string]any{"resourceVersion": "1",
		"uid": fmt.Sprintf("%x-%x-4%03x-8%03x-%x", sum[:4], sum[4:6], sum[6], sum[7], sum[10:16])}
	if of, found := current["metadata"].(map[string]any); found {
		for _, member := range []string{"name", "namespace", "uid", "resourceVersion", "creationTimestamp", "generation"} {
			if value, found := of[member]; found {
				known[member] = value
			}
		}
		for _, member := range []string{"apiVersion", "kind"} {
			if object[member] == nil {
				object[member] = current[member]
			}
		}
	}
	for member, value := range known {
		metadata[member] = value
	}
}
