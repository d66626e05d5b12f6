package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// faultSpec is a rule's fault; which members a kind has is in faultMembers.
type faultSpec struct {
	Kind        string            `json:"kind"`
	At          string            `json:"at"`
	Bytes       span              `json:"bytes"`
	Frames      span              `json:"frames"`
	Ms          span              `json:"ms"`
	HeadMs      span              `json:"headMs"`
	ChunkMs     span              `json:"chunkMs"`
	SizeBytes   span              `json:"sizeBytes"`
	Times       span              `json:"times"`
	Frame       string            `json:"frame"`
	Text        *string           `json:"text"`
	Preset      string            `json:"preset"`
	Code        int               `json:"code"`
	Reason      string            `json:"reason"`
	Message     string            `json:"message"`
	Body        *string           `json:"body"`
	Headers     map[string]string `json:"headers"`
	Forward     bool              `json:"forward"`
	End         bool              `json:"end"`
	Before      string            `json:"before"`
	Probability *float64          `json:"probability"`
	Paths       [][]globPattern   `json:"paths"`
	Mode        string            `json:"mode"`
}

var faultMembers = map[string][]string{
	"cut-stream":               {"at", "frames", "bytes"},
	"cut-connection":           {"at", "bytes"},
	"delay":                    {"headMs", "chunkMs"},
	"stall":                    {"frames", "bytes", "ms"},
	"truncate":                 {"frames", "bytes"},
	"inject":                   {"frames", "frame", "text", "sizeBytes", "times"},
	"status":                   {"preset", "code", "reason", "message", "body", "headers", "forward"},
	"error-event":              {"frames", "code", "reason", "message", "end"},
	"end":                      {"frames", "before"},
	"drop-bookmarks":           {},
	"strip-initial-events-end": {},
	"duplicate":                {"frames", "probability", "times"},
	"hold":                     {"ms"},
	"strip":                    {"paths"},
	"shadow":                   {},
	"goaway":                   {"mode", "code"},
}

// Faults that happen to a body under way, and so to open streams by the action `apply`.
var streamFaults = []string{"cut-stream", "cut-connection", "stall", "truncate", "inject", "error-event", "end",
	"drop-bookmarks", "strip-initial-events-end", "duplicate", "hold", "strip", "delay"}

const (
	frameDefaultBytes = 9 << 20
	injectedMaxBytes  = 64 << 20
)

// globPattern is an element of a path: `*` is any text.
type globPattern struct{ *regexp.Regexp }

func (g *globPattern) UnmarshalJSON(text []byte) error {
	var source string
	if err := json.Unmarshal(text, &source); err != nil {
		return err
	}
	compiled, err := regexp.Compile("^" + strings.ReplaceAll(regexp.QuoteMeta(source), `\*`, ".*") + "$")
	g.Regexp = compiled
	return err
}

func (f *faultSpec) UnmarshalJSON(text []byte) error {
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return err
	}
	type plain faultSpec
	parsed := plain{SizeBytes: span{frameDefaultBytes, frameDefaultBytes}, Times: span{1, 1}, End: true}
	if err := decodeStrictly(text, &parsed); err != nil {
		return err
	}
	allowed, known := faultMembers[parsed.Kind]
	if !known {
		return fmt.Errorf("no fault %q; there are %s", parsed.Kind, strings.Join(slices.Sorted(maps.Keys(faultMembers)), ", "))
	}
	for member := range members {
		if member != "kind" && !slices.Contains(allowed, member) {
			return fmt.Errorf("%s has no %q, but: %s", parsed.Kind, member, strings.Join(allowed, ", "))
		}
	}
	*f = faultSpec(parsed)
	return nil
}

func oneOf(name, value string, allowed ...string) error {
	if value == "" || slices.Contains(allowed, value) {
		return nil
	}
	return fmt.Errorf("%s %q: %s", name, value, strings.Join(allowed, ", "))
}

// check refuses what could not be carried out.
func (f *faultSpec) check() error {
	if f.Kind == "" {
		return errors.New("a rule needs a fault with a kind")
	}
	problems := []error{
		oneOf("at", f.At, "body", "answer", "request"),
		oneOf("mode", f.Mode, "graceful", "abrupt"),
		oneOf("before", f.Before, "initial-events-end"),
		oneOf("frame", f.Frame, "huge", "garbage", "not-event", "unknown-type", "blank"),
		oneOf("preset", f.Preset, slices.Sorted(maps.Keys(statusPresets))...),
	}
	if f.At != "" && f.At != "body" && (f.Bytes.high > 0 || f.Frames.high > 0) {
		problems = append(problems, errors.New("a position is one in the body"))
	}
	switch f.Kind {
	case "inject":
		if (f.Frame == "") == (f.Text == nil) {
			problems = append(problems, errors.New("inject: either frame or text"))
		}
		if f.SizeBytes.high > injectedMaxBytes || f.Times.high > 10000 {
			problems = append(problems, fmt.Errorf("inject: at most %d bytes, 10000 times", injectedMaxBytes))
		}
	case "duplicate":
		if f.Times.high > 10000 {
			problems = append(problems, errors.New("duplicate: at most 10000 times"))
		}
		if f.Probability != nil && (*f.Probability < 0 || *f.Probability > 1) {
			problems = append(problems, errors.New("duplicate: a probability is from 0 to 1"))
		}
	case "status":
		if (f.Preset == "") == (f.Code == 0) {
			problems = append(problems, errors.New("status: either preset or code"))
		}
		if f.Code != 0 && (f.Code < 200 || f.Code > 599) {
			problems = append(problems, fmt.Errorf("status: code %d", f.Code))
		}
	case "strip":
		if len(f.Paths) == 0 || slices.ContainsFunc(f.Paths, func(path []globPattern) bool { return len(path) == 0 }) {
			problems = append(problems, errors.New("strip: paths are lists of one element or more"))
		}
	}
	return errors.Join(problems...)
}
