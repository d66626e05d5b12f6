package main

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"errors"
	"io"
	"net/http"
	"slices"
	"sync"
	"time"
)

// How an answer's body ends before the upstream's does.
var (
	errEnd   = errors.New("the body ends here")
	errReset = errors.New("the stream is reset")
)

const (
	frameMaxBytes = 16 << 20
	chunkBytes    = 32 << 10
	queueUnits    = 256
)

// unit is a frame, or a piece of any other body, as it came.
type unit struct {
	data []byte
	at   time.Time
	err  error
}

// armed is a fault that waits for its position in a body.
type armed struct {
	*firing
	framesAt  int64 // that many frames have to have passed
	bytesLeft int64 // and then that many bytes
	done      bool
	counted   bool
}

// stream is an answer's body on its way.
type stream struct {
	id      uint64
	proxy   *proxy
	info    *requestInfo
	owner   *connection
	writer  http.ResponseWriter
	body    io.Reader
	framed  bool
	queue   chan unit
	wake    chan struct{}
	mutex   sync.Mutex // guards what follows
	arrived []*firing
	frames  int64
	sent    int64

	active []*armed // of the writing goroutine alone, as what follows
	last   []byte   // the last frame with an object
}

// arm makes firings wait for their positions, counted from here.
func (s *stream) arm(firings []*firing) {
	for _, f := range firings {
		switch {
		case !slices.Contains(streamFaults, f.fault.Kind):
		case f.fault.Kind == "cut-connection":
		case f.fault.At == "answer" || f.fault.At == "request":
		default:
			s.active = append(s.active, &armed{firing: f, framesAt: s.frames + f.frames, bytesLeft: f.bytes})
		}
	}
}

// inject counts a fault that happened.
func (s *stream) inject(a *armed) {
	s.proxy.noteInjected(a.firing, s.owner, s.info, s.frames, s.sent)
}

// injectOnce: faults that touch frame after frame count once per body.
func (s *stream) injectOnce(a *armed) {
	if !a.counted {
		a.counted = true
		s.inject(a)
	}
}

// run passes the body on until it ends: nil or errEnd in order, anything else not.
func (s *stream) run(ctx context.Context) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go s.read(ctx)
	for {
		s.adopt()
		if err := s.border(ctx); err != nil {
			return err
		}
		select {
		case one := <-s.queue:
			if one.err == io.EOF {
				return nil
			}
			if one.err != nil {
				return errReset
			}
			if err := s.pass(ctx, one); err != nil {
				return err
			}
		case <-s.wake:
		case <-ctx.Done():
			return errReset
		}
	}
}

// adopt takes over what the action `apply` brought.
func (s *stream) adopt() {
	s.mutex.Lock()
	arrived := s.arrived
	s.arrived = nil
	s.mutex.Unlock()
	s.arm(arrived)
}

// read takes the upstream's body apart.
func (s *stream) read(ctx context.Context) {
	deliver := func(one unit) bool {
		one.at = time.Now()
		select {
		case s.queue <- one:
			return one.err == nil
		case <-ctx.Done():
			return false
		}
	}
	if !s.framed {
		for {
			piece := make([]byte, chunkBytes)
			count, err := s.body.Read(piece)
			if count > 0 && !deliver(unit{data: piece[:count]}) {
				return
			}
			if err != nil {
				deliver(unit{err: err})
				return
			}
		}
	}
	reader := bufio.NewReaderSize(s.body, chunkBytes)
	for {
		frame, err := readFrame(reader)
		if len(frame) > 0 && !deliver(unit{data: frame}) {
			return
		}
		if err != nil {
			deliver(unit{err: err})
			return
		}
	}
}

// readFrame returns a line with its end; without an end what came before the error.
func readFrame(reader *bufio.Reader) ([]byte, error) {
	var frame []byte
	for {
		part, err := reader.ReadSlice('\n')
		frame = append(frame, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return frame, err
		}
		if len(frame) > frameMaxBytes {
			return nil, errors.New("the upstream sent a frame beyond the bound")
		}
	}
}

// border does what is due between two frames.
func (s *stream) border(ctx context.Context) error {
	for _, a := range s.active {
		if a.done || a.ended() || s.frames < a.framesAt {
			continue
		}
		switch a.fault.Kind {
		case "cut-stream", "truncate", "stall":
			if a.bytesLeft == 0 {
				if err := s.strike(ctx, a); err != nil {
					return err
				}
			}
		case "inject":
			if !s.framed {
				continue
			}
			a.done = true
			s.inject(a)
			frame := injectedFrame(a.firing, s.last)
			for range a.fault.Times.draw(a.random) {
				if err := s.emit(ctx, frame); err != nil {
					return err
				}
			}
		case "error-event":
			if !s.framed {
				continue
			}
			a.done = true
			s.inject(a)
			if err := s.emit(ctx, errorEvent(a.fault)); err != nil {
				return err
			}
			if a.fault.End {
				return errEnd
			}
		case "end":
			if s.framed && a.fault.Before == "" {
				s.inject(a)
				return errEnd
			}
		}
	}
	return nil
}

// strike carries out a fault that has a byte as position.
func (s *stream) strike(ctx context.Context, a *armed) error {
	a.done = true
	s.inject(a)
	switch a.fault.Kind {
	case "cut-stream":
		return errReset
	case "truncate":
		return errEnd
	}
	return s.stall(ctx, a)
}

// stall returns when the time is up, when the rule has ended, or when everything is released.
func (s *stream) stall(ctx context.Context, a *armed) error {
	var timer <-chan time.Time
	if ms := a.fault.Ms.draw(a.random); ms > 0 {
		timer = time.After(time.Duration(ms) * time.Millisecond)
	}
	select {
	case <-timer:
	case <-a.rule.ctx.Done():
	case <-s.proxy.streams.released():
	case <-ctx.Done():
		return errReset
	}
	return nil
}

// wait returns early where the rule ends; an error where the client went away.
func wait(ctx, rule context.Context, ms int64) error {
	return waitUntil(ctx, rule, time.Now().Add(time.Duration(ms)*time.Millisecond))
}

func waitUntil(ctx, rule context.Context, when time.Time) error {
	pause := time.Until(when)
	if pause <= 0 {
		return nil
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-rule.Done():
	case <-ctx.Done():
		return errReset
	}
	return nil
}

// pass sends one unit on, changed as the faults say.
func (s *stream) pass(ctx context.Context, one unit) error {
	copies, err := int64(1), error(nil)
	if s.framed {
		if one.data, copies, err = s.change(ctx, one); err != nil {
			return err
		}
	}
	for range copies {
		if err := s.emit(ctx, one.data); err != nil {
			return err
		}
	}
	if copies > 0 {
		s.mutex.Lock()
		s.frames++
		s.mutex.Unlock()
	}
	return nil
}

// change returns what becomes of a frame, and how often it is to be sent.
func (s *stream) change(ctx context.Context, one unit) ([]byte, int64, error) {
	if len(s.active) == 0 {
		// Nothing to look for; decoding every frame would cost more than passing it on.
		if !bytes.HasPrefix(one.data, []byte(`{"type":"BOOKMARK"`)) {
			s.last = one.data
		}
		return one.data, 1, nil
	}
	look := lookAtFrame(one.data)
	frame, copies := one.data, int64(1)
	for _, a := range s.active {
		if a.done || a.ended() {
			continue
		}
		switch a.fault.Kind {
		case "hold":
			s.injectOnce(a)
			due := one.at.Add(time.Duration(a.fault.Ms.draw(a.random)) * time.Millisecond)
			if err := waitUntil(ctx, a.rule.ctx, due); err != nil {
				return nil, 0, err
			}
		case "end":
			if a.fault.Before != "" && look.initialEnds {
				s.inject(a)
				return nil, 0, errEnd
			}
		case "drop-bookmarks":
			if look.kind == "BOOKMARK" {
				s.inject(a)
				return nil, 0, nil
			}
		case "strip-initial-events-end":
			if look.initialEnds {
				frame = dropInitialEventsEnd(frame)
				s.inject(a)
			}
		case "strip":
			frame = s.strip(a, frame, stripFrame)
		case "duplicate":
			if s.frames >= a.framesAt && (a.fault.Probability == nil || a.random.Float64() < *a.fault.Probability) {
				a.done = a.fault.Probability == nil
				copies += a.fault.Times.draw(a.random)
				s.inject(a)
			}
		}
	}
	if look.kind == "ADDED" || look.kind == "MODIFIED" || look.kind == "DELETED" {
		s.last = frame
	}
	return frame, copies, nil
}

func (s *stream) strip(a *armed, text []byte, by func([]byte, [][]globPattern) []byte) []byte {
	changed := by(text, a.fault.Paths)
	if len(changed) > 0 && len(text) > 0 && &changed[0] != &text[0] {
		s.injectOnce(a)
	}
	return changed
}

// emit writes, and lets faults strike at the very byte.
func (s *stream) emit(ctx context.Context, data []byte) error {
	for {
		limit := int64(len(data))
		var due []*armed
		for _, a := range s.active {
			if a.done || a.ended() || s.frames < a.framesAt || a.bytesLeft == 0 {
				continue
			}
			if a.bytesLeft < limit {
				limit, due = a.bytesLeft, nil
			}
			if a.bytesLeft == limit {
				due = append(due, a)
			}
		}
		if err := s.write(ctx, data[:limit]); err != nil {
			return err
		}
		for _, a := range s.active {
			if !a.done && !a.ended() && s.frames >= a.framesAt && a.bytesLeft > 0 {
				a.bytesLeft -= limit
			}
		}
		for _, a := range due {
			if err := s.strike(ctx, a); err != nil {
				return err
			}
		}
		if data = data[limit:]; len(data) == 0 {
			return nil
		}
	}
}

func (s *stream) write(ctx context.Context, data []byte) error {
	for _, a := range s.active {
		if a.fault.Kind != "delay" || a.fault.ChunkMs.high == 0 || a.ended() {
			continue
		}
		s.injectOnce(a)
		if err := wait(ctx, a.rule.ctx, a.fault.ChunkMs.draw(a.random)); err != nil {
			return err
		}
	}
	if len(data) == 0 {
		return nil
	}
	count, err := s.writer.Write(data)
	s.mutex.Lock()
	s.sent += int64(count)
	s.mutex.Unlock()
	if err == nil {
		err = http.NewResponseController(s.writer).Flush()
	}
	if err != nil {
		return errReset
	}
	return nil
}

// streamSet is all bodies under way.
type streamSet struct {
	mutex   sync.Mutex
	next    uint64
	open    map[uint64]*stream
	release chan struct{}
}

func newStreamSet() *streamSet {
	return &streamSet{open: map[uint64]*stream{}, release: make(chan struct{})}
}

func (s *streamSet) add(one *stream) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.next++
	one.id = s.next
	s.open[one.id] = one
}

func (s *streamSet) remove(one *stream) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	delete(s.open, one.id)
}

func (s *streamSet) released() <-chan struct{} {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	return s.release
}

// releaseAll lets every stalled stream go on.
func (s *streamSet) releaseAll() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	close(s.release)
	s.release = make(chan struct{})
}

func (s *streamSet) matching(match *ruleMatch) []*stream {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	var result []*stream
	for _, one := range s.open {
		if match.fits(one.info) {
			result = append(result, one)
		}
	}
	slices.SortFunc(result, func(a, b *stream) int { return cmp.Compare(a.id, b.id) })
	return result
}

type streamReport struct {
	ID         uint64 `json:"id"`
	Connection uint64 `json:"connection"`
	Verb       string `json:"verb"`
	Target     string `json:"target"`
	UserAgent  string `json:"userAgent"`
	Frames     int64  `json:"frames"`
	Bytes      int64  `json:"bytes"`
}

func (s *streamSet) report() []streamReport {
	result := []streamReport{}
	for _, one := range s.matching(&ruleMatch{}) {
		one.mutex.Lock()
		result = append(result, streamReport{one.id, one.owner.id, one.info.verb, one.info.target, one.info.userAgent,
			one.frames, one.sent})
		one.mutex.Unlock()
	}
	return result
}
