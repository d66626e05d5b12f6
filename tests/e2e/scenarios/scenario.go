package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"sigs.k8s.io/yaml"
)

const defaultNow = "2026-11-22T12:00:00Z"

// scenario is a folder of tests/scenarios.
type scenario struct {
	name     string
	now      time.Time
	objects  []tree
	expected tree
	number   string // before the names of what belongs to no namespace, and its label there
	wanted   map[string]int
}

// splitDocuments cuts a YAML stream at its separators. (None of the scenarios has one inside of a block of text.)
func splitDocuments(stream []byte) [][]byte {
	var documents [][]byte
	var current bytes.Buffer
	for _, line := range strings.SplitAfter(string(stream), "\n") {
		if strings.TrimRight(line, " \r\n") == "---" {
			documents = append(documents, bytes.Clone(current.Bytes()))
			current.Reset()
			continue
		}
		current.WriteString(line)
	}
	return append(documents, current.Bytes())
}

// readObjects reads documents and takes lists apart.
func readObjects(path string) ([]tree, error) {
	stream, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var objects []tree
	for _, document := range splitDocuments(stream) {
		object := tree{}
		if err := yaml.Unmarshal(document, &object); err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		if strings.HasSuffix(text(object, "kind"), "List") {
			objects = append(objects, list(object, "items")...)
		} else if len(object) > 0 {
			objects = append(objects, object)
		}
	}
	return objects, nil
}

func readScenario(folder string) (*scenario, error) {
	name := filepath.Base(folder)
	objects, err := readObjects(filepath.Join(folder, "cluster.yaml"))
	if err != nil {
		return nil, err
	}
	result := &scenario{name: name, objects: objects, expected: tree{}}
	expected, err := os.ReadFile(filepath.Join(folder, "expected.yaml"))
	if err != nil {
		return nil, err
	}
	if err := yaml.Unmarshal(expected, &result.expected); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	now, err := os.ReadFile(filepath.Join(folder, "now.txt"))
	if errors.Is(err, os.ErrNotExist) {
		now = []byte(defaultNow)
	} else if err != nil {
		return nil, err
	}
	result.now, err = time.Parse(time.RFC3339, strings.TrimSpace(string(now)))
	return result, err
}

// readScenarios reads every folder, in the order of their names.
func readScenarios(folder string) ([]*scenario, error) {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return nil, err
	}
	var found []*scenario
	for _, entry := range entries {
		if !entry.IsDir() {
			continue
		}
		each, err := readScenario(filepath.Join(folder, entry.Name()))
		if err != nil {
			return nil, err
		}
		each.number = fmt.Sprintf("s%03d", len(found)+1)
		found = append(found, each)
	}
	return found, nil
}

// row is one line of a table: a pattern of scenarios' names, and why.
type row struct {
	pattern, why string
	used         int
}

// readTable reads lines of a pattern, a tab and a reason; '#' begins a comment.
func readTable(path string) ([]*row, error) {
	lines, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var rows []*row
	for number, line := range strings.Split(string(lines), "\n") {
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		pattern, why, found := strings.Cut(line, "\t")
		if _, err := filepath.Match(pattern, ""); err != nil || !found || strings.TrimSpace(why) == "" {
			return nil, fmt.Errorf("%s:%d: not a pattern, a tab and a reason", path, number+1)
		}
		rows = append(rows, &row{pattern: pattern, why: strings.TrimSpace(why)})
	}
	return rows, nil
}

// rowOf is the first row whose pattern fits, nil where none does.
func rowOf(rows []*row, name string) *row {
	for _, each := range rows {
		if fits, _ := filepath.Match(each.pattern, name); fits {
			each.used++
			return each
		}
	}
	return nil
}

func hasKind(objects []tree, kind string) bool {
	return slices.ContainsFunc(objects, func(object tree) bool { return text(object, "kind") == kind })
}

// clone is a copy of its own.
func clone(object tree) tree {
	encoded, err := json.Marshal(object)
	if err != nil {
		panic(err) // it came from a decoder
	}
	copied := tree{}
	decoder := json.NewDecoder(bytes.NewReader(encoded))
	decoder.UseNumber() // a quantity stays as it was written
	if err := decoder.Decode(&copied); err != nil && !errors.Is(err, io.EOF) {
		panic(err)
	}
	return copied
}
