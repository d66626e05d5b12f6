package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	eventsv1 "k8s.io/api/events/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const controller = "proget-operator.io/operator"

// bookFigures are what the books come to.
type bookFigures struct {
	announced, resolved, lost, doubled, untrue, silent int
	mostOfOneObject                                    int
}

// books are the Events there are, beside the spells that there were.
type books struct {
	history *history
	world   *world
	events  map[string][]*eventsv1.Event // by the hash in their name
	claimed map[string]int               // by hash: the spells that it belongs to
	figures bookFigures
	unsaid  []string
}

func (s *storm) openBooks(ctx context.Context) (*books, error) {
	b := &books{history: s.history, world: s.world, events: map[string][]*eventsv1.Event{}, claimed: map[string]int{}}
	perObject := map[string]int{}
	var list *eventsv1.EventList
	err := persist(ctx, "listing the Events", func() (err error) {
		list, err = s.api.client.EventsV1().Events("").List(ctx, metav1.ListOptions{})
		return err
	})
	if err != nil {
		return nil, err
	}
	occurrences := map[string]string{}
	for i := range list.Items {
		event := &list.Items[i]
		if event.ReportingController != controller {
			continue
		}
		hash := event.Name[strings.LastIndexByte(event.Name, '.')+1:]
		b.events[hash] = append(b.events[hash], event)
		object := event.Regarding.Kind + "/" + event.Regarding.Namespace + "/" + event.Regarding.Name
		perObject[object]++
		b.figures.mostOfOneObject = max(b.figures.mostOfOneObject, perObject[object])
		// The same said under another name would be a double, too.
		related := ""
		if event.Related != nil {
			related = event.Related.Kind + "/" + event.Related.Name
		}
		same := strings.Join([]string{object, event.Reason, event.Action, event.EventTime.UTC().Format(time.RFC3339Nano), related, event.Note}, " ")
		if other := occurrences[same]; other != "" {
			b.double("%s and %s say the same: %s", other, event.Name, same)
		}
		occurrences[same] = event.Name
	}
	return b, nil
}

func (b *books) double(format string, arguments ...any) {
	b.figures.doubled++
	b.unsaid = append(b.unsaid, "DOUBLED "+fmt.Sprintf(format, arguments...))
}

func (b *books) lose(format string, arguments ...any) {
	b.figures.lost++
	b.unsaid = append(b.unsaid, "LOST "+fmt.Sprintf(format, arguments...))
}

func (b *books) wrong(format string, arguments ...any) {
	b.figures.untrue++
	b.unsaid = append(b.unsaid, "UNTRUE "+fmt.Sprintf(format, arguments...))
}

// eventHash is what the name of a phase's Event ends with: operator/publish/ledger.c.
func eventHash(s *spell, phase string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s\n%d\n%s", s.finding.ID, s.sinceMicros, phase))
	return hex.EncodeToString(sum[:10])
}

// one is the Event of a phase; nil where there is none.
func (b *books) one(s *spell, phase, action string) *eventsv1.Event {
	hash := eventHash(s, phase)
	b.claimed[hash]++
	events := b.events[hash]
	if len(events) == 0 {
		return nil
	}
	if events[0].Action != action || events[0].Reason != s.finding.Code {
		b.wrong("Event %s says %s %s, it is about %s", events[0].Name, events[0].Reason, events[0].Action, s.text())
	}
	return events[0]
}

// balance compares every spell with its Events, at a quiet point.
func (b *books) balance() {
	h, w := b.history, b.world
	h.mutex.Lock()
	defer h.mutex.Unlock()
	w.mutex.Lock()
	defer w.mutex.Unlock()
	b.unsaid = append(b.unsaid, h.problems...)
	for _, s := range h.spells {
		b.balanceStart(s)
		b.balanceEnd(s)
		if why := w.lacksTruth(&s.finding, s.cluster); why != "" {
			b.wrong("%s: %s: %s", s.clusterName, s.text(), why)
		}
	}
	for hash, events := range b.events {
		// A pod that passed from one cluster to another while it was evicted is told of by both: once each at most.
		if len(events) > max(1, b.claimed[hash]) {
			b.double("%d Events of %s %s, for %d findings: %s and %s", len(events), events[0].Reason, events[0].Action, b.claimed[hash], events[0].Name, events[1].Name)
		}
		if b.claimed[hash] == 0 {
			b.wrong("Event %s (%s %s at %s) belongs to nothing that a status ever had", events[0].Name, events[0].Reason, events[0].Action, events[0].EventTime)
		}
	}
}

func (b *books) balanceStart(s *spell) {
	event := b.one(s, "detected", "Detected")
	if event != nil {
		b.figures.announced++
		if event.EventTime.UnixMicro() != s.sinceMicros {
			b.wrong("Event %s is of %s: %s", event.Name, event.EventTime.UTC().Format(time.RFC3339Nano), s.text())
		}
		return
	}
	switch {
	case s.announced:
		b.lose("%s: %s is said to be announced, and has no Event", s.clusterName, s.text())
	case s.isOpen:
		b.lose("%s: %s stands and is not announced", s.clusterName, s.text())
	case !b.mayEndSilently(s):
		b.lose("%s: %s ended without having been announced", s.clusterName, s.text())
	default:
		b.figures.silent++
	}
}

func (b *books) mayEndSilently(s *spell) bool {
	return s.endedWith || s.goesOn || b.world.mayEndSilently(&s.finding, s.cluster, s.endedAt)
}

func (b *books) balanceEnd(s *spell) {
	event := b.one(s, "resolved", "Resolved")
	if event != nil {
		b.figures.resolved++
		if !s.cleared[event.EventTime.UTC().Format("2006-01-02T15:04:05.000000Z")] {
			b.wrong("Event %s is of %s, which the status never gave: %s", event.Name, event.EventTime.UTC().Format(time.RFC3339Nano), s.text())
		}
		if s.isOpen {
			b.lose("%s: %s is resolved and still in the status", s.clusterName, s.text())
		}
		return
	}
	if s.isOpen && s.finding.Cleared != "" {
		b.lose("%s: the end of %s is not announced", s.clusterName, s.text())
	}
	if s.isOpen {
		return
	}
	if !b.mayEndSilently(s) {
		b.lose("%s: %s ended (status: %d ends) without having been resolved", s.clusterName, s.text(), len(s.cleared))
		return
	}
	b.figures.silent++
}
