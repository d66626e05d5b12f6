package main

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

func TestClassify(t *testing.T) {
	cases := []struct{ method, url, verb, resource, subresource string }{
		{"GET", "/api/v1/pods", "list", "pods", ""},
		{"GET", "/api/v1/pods?watch=true", "watch", "pods", ""},
		{"GET", "/api/v1/pods?watch=0", "list", "pods", ""},
		{"GET", "/api/v1/namespaces", "list", "namespaces", ""},
		{"GET", "/api/v1/namespaces/a", "get", "namespaces", ""},
		{"PUT", "/api/v1/namespaces/a/finalize", "update", "namespaces", "finalize"},
		{"GET", "/api/v1/namespaces/a/pods", "list", "pods", ""},
		{"POST", "/api/v1/namespaces/a/pods/b/eviction", "create", "pods", "eviction"},
		{"PATCH", "/apis/proget-operator.io/v1alpha1/namespaces/a/progetclusters/b/status", "patch", "progetclusters", "status"},
		{"DELETE", "/apis/coordination.k8s.io/v1/namespaces/a/leases", "deletecollection", "leases", ""},
		{"GET", "/apis/apps/v1", "get", "", ""},
		{"GET", "/version", "get", "", ""},
	}
	for _, c := range cases {
		got := classify(httptest.NewRequest(c.method, c.url, nil))
		if got.verb != c.verb || got.resource != c.resource || got.subresource != c.subresource {
			t.Errorf("%s %s: %s %q %q", c.method, c.url, got.verb, got.resource, got.subresource)
		}
	}
}

func fired(set *ruleSet, count int) string {
	var out strings.Builder
	for range count {
		if len(set.fire(classify(httptest.NewRequest(http.MethodGet, "/api/v1/pods", nil)))) > 0 {
			out.WriteByte('x')
		} else {
			out.WriteByte('.')
		}
	}
	return out.String()
}

func TestWhen(t *testing.T) {
	cases := []struct{ when, wanted string }{
		{`{}`, "xxxxxx"}, {`{"nth":3}`, "..x..."}, {`{"atMost":2}`, "xx...."}, {`{"probability":0}`, "......"},
		{`{"probability":1,"atMost":1}`, "x....."},
	}
	for _, c := range cases {
		set := newRuleSet(1)
		if _, err := set.add([]byte(`{"when":` + c.when + `,"fault":{"kind":"end"}}`)); err != nil {
			t.Fatal(err)
		}
		if got := fired(set, 6); got != c.wanted {
			t.Errorf("%s: %s", c.when, got)
		}
	}
}

func TestSeedDecides(t *testing.T) {
	draw := func(seed uint64, id string) string {
		set := newRuleSet(seed)
		if _, err := set.add([]byte(`{"id":"` + id + `","when":{"probability":0.5},"fault":{"kind":"end"}}`)); err != nil {
			t.Fatal(err)
		}
		return fired(set, 60)
	}
	if draw(1, "a") != draw(1, "a") {
		t.Error("the same seed drew differently")
	}
	if draw(1, "a") == draw(2, "a") || draw(1, "a") == draw(1, "b") {
		t.Error("another seed, or another rule, drew the same")
	}
}

func TestRefusedRules(t *testing.T) {
	for _, source := range []string{
		``, `{}`, `[]`, `{"fault":{}}`, `{"fault":{"kind":"end"}} {}`, `{"fault":{"kind":"end","bytes":1}}`,
		`{"fault":{"kind":"cut-stream","bytes":[2,1]}}`, `{"fault":{"kind":"cut-stream","bytes":1.5}}`,
		`{"fault":{"kind":"cut-stream","at":"answer","bytes":1}}`, `{"fault":{"kind":"inject"}}`,
		`{"fault":{"kind":"status"}}`, `{"fault":{"kind":"status","code":99}}`, `{"fault":{"kind":"status","preset":"1"}}`,
		`{"fault":{"kind":"strip","paths":[[]]}}`, `{"match":{"form":"all"},"fault":{"kind":"end"}}`,
		`{"match":{"path":"("},"fault":{"kind":"end"}}`, `{"when":{"probability":2},"fault":{"kind":"end"}}`,
		`{"math":{},"fault":{"kind":"end"}}`,
	} {
		if id, err := newRuleSet(1).add([]byte(source)); err == nil {
			t.Errorf("%s was taken as %s", source, id)
		}
	}
}

func TestStrip(t *testing.T) {
	var fault faultSpec
	text := `{"kind":"strip","paths":[["status"],["metadata","annotations","proget-operator.io/*"],["spec","list","*","x"]]}`
	if err := json.Unmarshal([]byte(text), &fault); err != nil {
		t.Fatal(err)
	}
	object := `{"kind":"A","metadata":{"annotations":{"proget-operator.io/a":"1","proget-operator_io/b":"<2>"}},` +
		`"spec":{"list":[{"x":1,"y":12345678901234567890},{"x":2}]},"status":{"a":1}}`
	stripped := `{"kind":"A","metadata":{"annotations":{"proget-operator_io/b":"<2>"}},` +
		`"spec":{"list":[{"y":12345678901234567890},{}]}}`
	cases := []struct{ got, wanted string }{
		{string(stripAnswer([]byte(object), fault.Paths)), stripped + "\n"},
		{string(stripAnswer([]byte(`{"items":[`+object+`],"status":1}`), fault.Paths)), `{"items":[` + stripped + `],"status":1}` + "\n"},
		{string(stripFrame([]byte(`{"object":`+object+`,"type":"ADDED"}`), fault.Paths)), `{"type":"ADDED","object":` + stripped + `}` + "\n"},
		{string(stripAnswer([]byte("no json"), fault.Paths)), "no json"},
		{string(stripAnswer([]byte(`{"kind":"Status","apiVersion":"v1","status":"Failure"}`), fault.Paths)),
			`{"kind":"Status","apiVersion":"v1","status":"Failure"}`},
	}
	for _, c := range cases {
		if c.got != c.wanted {
			t.Errorf("got %s", c.got)
		}
	}
}

func TestReshapeHasTheSize(t *testing.T) {
	for _, last := range [][]byte{nil, []byte(`{"type":"ADDED","object":{"metadata":{"name":"a","annotations":{"b":"c"}}}}` + "\n")} {
		made := reshape(last, "MODIFIED", 1<<20)
		if len(made) != 1<<20 || !json.Valid(made) || lookAtFrame(made).kind != "MODIFIED" {
			t.Errorf("%d bytes: %.60s", len(made), made)
		}
	}
}
