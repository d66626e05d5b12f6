package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// span is a number in a rule: N, or [low,high] of which one is drawn each time.
type span struct{ low, high int64 }

const spanMax = 1 << 40

func (s *span) UnmarshalJSON(text []byte) error {
	var one int64
	var two []int64
	if err := json.Unmarshal(text, &one); err == nil {
		s.low, s.high = one, one
	} else if err := json.Unmarshal(text, &two); err == nil && len(two) == 2 {
		s.low, s.high = two[0], two[1]
	} else {
		return fmt.Errorf("%s is neither a whole number nor [low,high]", text)
	}
	if s.low < 0 || s.high < s.low || s.high > spanMax {
		return fmt.Errorf("%s is no range of whole numbers from 0 to %d", text, int64(spanMax))
	}
	return nil
}

func (s span) draw(generator *rand.Rand) int64 {
	if s.high == s.low {
		return s.low
	}
	return s.low + generator.Int64N(s.high-s.low+1)
}

// stringList is one string or several.
type stringList []string

func (l *stringList) UnmarshalJSON(text []byte) error {
	var one string
	if json.Unmarshal(text, &one) == nil {
		*l = []string{one}
		return nil
	}
	return json.Unmarshal(text, (*[]string)(l))
}

// pattern is a regular expression in JSON.
type pattern struct{ *regexp.Regexp }

func (p *pattern) UnmarshalJSON(text []byte) error {
	var source string
	if err := json.Unmarshal(text, &source); err != nil {
		return err
	}
	compiled, err := regexp.Compile(source)
	p.Regexp = compiled
	return err
}

// fits: an expression that is not given fits everything.
func (p *pattern) fits(text string) bool { return p == nil || p.MatchString(text) }

type ruleMatch struct {
	Methods   stringList `json:"methods"`
	Form      string     `json:"form"`
	Path      *pattern   `json:"path"`
	Resource  stringList `json:"resource"`
	UserAgent *pattern   `json:"userAgent"`
}

func (m *ruleMatch) check() error {
	if !slices.Contains([]string{"", "any", "watch", "list", "get"}, m.Form) {
		return fmt.Errorf("form %q: watch, list, get or any", m.Form)
	}
	for i, method := range m.Methods {
		m.Methods[i] = strings.ToUpper(method)
	}
	return nil
}

func (m *ruleMatch) fits(r *requestInfo) bool {
	if len(m.Methods) > 0 && !slices.Contains(m.Methods, r.method) {
		return false
	}
	if m.Form != "" && m.Form != "any" && m.Form != r.verb {
		return false
	}
	if len(m.Resource) > 0 && !slices.ContainsFunc(m.Resource, r.concerns) {
		return false
	}
	return m.Path.fits(r.target) && m.UserAgent.fits(r.userAgent)
}

type ruleWhen struct {
	Nth         int64    `json:"nth"`
	Probability *float64 `json:"probability"`
	AtMost      int64    `json:"atMost"`
	ForMs       int64    `json:"forMs"`
}

func (w *ruleWhen) check() error {
	if w.Nth < 0 || w.AtMost < 0 || w.ForMs < 0 {
		return errors.New("when: numbers are not negative")
	}
	if w.Probability != nil && (*w.Probability < 0 || *w.Probability > 1) {
		return errors.New("when: a probability is from 0 to 1")
	}
	return nil
}

type ruleSpec struct {
	ID    string    `json:"id"`
	Match ruleMatch `json:"match"`
	When  ruleWhen  `json:"when"`
	Fault faultSpec `json:"fault"`
}

// rule is one that was added. Its context ends with it, and with that whatever it holds up.
type rule struct {
	id       string
	spec     ruleSpec
	source   json.RawMessage
	ctx      context.Context
	end      context.CancelFunc
	mutex    sync.Mutex // guards what follows
	random   *rand.Rand
	seed     uint64
	matched  int64
	fired    int64
	injected int64
}

// firing is a rule that takes part in one request: its fault with the numbers drawn.
type firing struct {
	rule   *rule
	fault  *faultSpec
	random *rand.Rand
	bytes  int64
	frames int64
}

// ended: nothing of it is to be done any more.
func (f *firing) ended() bool { return f.rule.ctx.Err() != nil }

// consider counts a matching request and says whether the rule takes part in it.
func (r *rule) consider() *firing {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.matched++
	when := &r.spec.When
	if when.Nth > 0 && r.matched != when.Nth {
		return nil
	}
	if when.Probability != nil && r.random.Float64() >= *when.Probability {
		return nil
	}
	if when.AtMost > 0 && r.fired >= when.AtMost {
		return nil
	}
	return r.fire()
}

// fire draws the numbers; each firing has a generator of its own, so that streams do not take numbers from each other.
func (r *rule) fire() *firing {
	r.fired++
	random := rand.New(rand.NewPCG(r.seed, uint64(r.fired)))
	fault := &r.spec.Fault
	return &firing{rule: r, fault: fault, random: random, bytes: fault.Bytes.draw(random), frames: fault.Frames.draw(random)}
}

func (r *rule) noteInjected() {
	r.mutex.Lock()
	r.injected++
	r.mutex.Unlock()
}

// ruleSet is all rules, in the order in which they were added.
type ruleSet struct {
	mutex    sync.Mutex
	seed     uint64
	added    int
	applied  int
	rules    []*rule
	unlisted []*rule
}

const rulesMax = 1000

func newRuleSet(seed uint64) *ruleSet { return &ruleSet{seed: seed} }

// decodeStrictly: a misspelt member must not make a rule that does something else.
func decodeStrictly(source []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(source))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(into); err != nil {
		return err
	}
	if decoder.More() {
		return errors.New("one JSON object at a time")
	}
	return nil
}

// make builds a rule without adding it.
func (s *ruleSet) make(spec ruleSpec, source []byte) *rule {
	hash := fnv.New64a()
	hash.Write([]byte(spec.ID))
	seed := s.seed ^ hash.Sum64()
	made := &rule{id: spec.ID, spec: spec, source: source, seed: seed, random: rand.New(rand.NewPCG(seed, 0))}
	if spec.When.ForMs > 0 {
		made.ctx, made.end = context.WithTimeout(context.Background(), time.Duration(spec.When.ForMs)*time.Millisecond)
	} else {
		made.ctx, made.end = context.WithCancel(context.Background())
	}
	return made
}

func (s *ruleSet) add(source []byte) (string, error) {
	var spec ruleSpec
	if err := decodeStrictly(source, &spec); err != nil {
		return "", err
	}
	if err := errors.Join(spec.Match.check(), spec.When.check(), spec.Fault.check()); err != nil {
		return "", err
	}
	if spec.Fault.Kind == "shadow" && len(spec.Match.Methods) == 0 {
		spec.Match.Methods = stringList{"POST", "PUT", "PATCH", "DELETE"}
	}
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if len(s.rules) >= rulesMax {
		return "", fmt.Errorf("there are %d rules; delete some", rulesMax)
	}
	s.added++
	if spec.ID == "" {
		spec.ID = fmt.Sprintf("rule-%d", s.added)
	}
	if slices.ContainsFunc(s.rules, func(r *rule) bool { return r.id == spec.ID }) {
		return "", fmt.Errorf("there is a rule %q", spec.ID)
	}
	s.rules = append(s.rules, s.make(spec, source))
	return spec.ID, nil
}

// passing is a rule for streams that are open now; it is listed nowhere, and ends with all others.
func (s *ruleSet) passing(spec ruleSpec, forMs int64) *rule {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.applied++
	spec.ID, spec.When.ForMs = fmt.Sprintf("apply-%d", s.applied), forMs
	made := s.make(spec, nil)
	s.unlisted = append(s.unlisted, made)
	return made
}

// fire returns what takes part in a request.
func (s *ruleSet) fire(request *requestInfo) []*firing {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	var result []*firing
	for _, r := range s.rules {
		if r.ctx.Err() != nil || !r.spec.Match.fits(request) {
			continue
		}
		if fired := r.consider(); fired != nil {
			result = append(result, fired)
		}
	}
	return result
}

// remove ends one rule, or all of them where id is empty; it returns how many.
func (s *ruleSet) remove(id string) int {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	removed := 0
	if id == "" {
		for _, r := range s.unlisted {
			r.end()
		}
		s.unlisted = nil
	}
	s.rules = slices.DeleteFunc(s.rules, func(r *rule) bool {
		if id != "" && r.id != id {
			return false
		}
		r.end()
		removed++
		return true
	})
	return removed
}

type ruleReport struct {
	ID       string          `json:"id"`
	Rule     json.RawMessage `json:"rule"`
	Matched  int64           `json:"matched"`
	Fired    int64           `json:"fired"`
	Injected int64           `json:"injected"`
	Ended    bool            `json:"ended"`
}

func (s *ruleSet) report() []ruleReport {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	result := []ruleReport{}
	for _, r := range s.rules {
		r.mutex.Lock()
		result = append(result, ruleReport{r.id, r.source, r.matched, r.fired, r.injected, r.ctx.Err() != nil})
		r.mutex.Unlock()
	}
	return result
}
