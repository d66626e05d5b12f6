package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"slices"
	"time"
)

// action is what is done at once, to connections as a whole.
type action struct {
	Action      string     `json:"action"`
	UserAgent   *pattern   `json:"userAgent"`
	Bytes       int64      `json:"bytes"`
	Mode        string     `json:"mode"`
	Code        uint32     `json:"code"`
	Certificate string     `json:"certificate"`
	Key         string     `json:"key"`
	Refuse      *bool      `json:"refuse"`
	Open        *bool      `json:"open"`
	ForMs       int64      `json:"forMs"`
	Match       *ruleMatch `json:"match"`
	Fault       *faultSpec `json:"fault"`
}

// act returns how many connections, or streams, it concerned.
func (p *proxy) act(a *action) (int, error) {
	if a.Bytes < 0 || a.ForMs < 0 {
		return 0, errors.New("numbers are not negative")
	}
	affected, err := p.carryOut(a)
	if err == nil {
		p.counts.noteFault("action-" + a.Action)
		p.log.note(map[string]any{"action": a.Action, "affected": affected})
	}
	return affected, err
}

func (p *proxy) each(a *action, do func(*connection)) int {
	if a.UserAgent == nil {
		return p.connections.each(nil, do)
	}
	return p.connections.each(a.UserAgent.Regexp, do)
}

func (p *proxy) carryOut(a *action) (int, error) {
	switch a.Action {
	case "cut":
		if a.Bytes > 0 {
			return p.each(a, func(c *connection) { c.wire.cutAfter(context.Background(), a.Bytes, func() {}) }), nil
		}
		return p.each(a, (*connection).cut), nil
	case "goaway":
		if a.Code == 0 {
			a.Code = 2
		}
		return p.each(a, func(c *connection) { c.goaway(a.Mode, a.Code) }), oneOf("mode", a.Mode, "graceful", "abrupt")
	case "stall":
		if a.UserAgent == nil {
			p.connections.stallNew(true)
		}
		return p.each(a, func(c *connection) { c.wire.stall() }), nil
	case "release":
		return p.release(a), nil
	case "certificate":
		return p.swapCertificate(a)
	case "handshakes":
		if a.Refuse == nil {
			return 0, errors.New("handshakes: refuse=true or refuse=false")
		}
		p.door.refusing.Store(*a.Refuse)
		p.later(a.ForMs, func() { p.door.refusing.Store(!*a.Refuse) })
		return 0, nil
	case "listener":
		return 0, p.moveListener(a)
	case "calm":
		p.door.refusing.Store(false)
		p.connections.each(nil, func(c *connection) { c.wire.disarm() })
		affected := p.release(&action{})
		return affected, p.reopen()
	case "apply":
		return p.apply(a)
	}
	return 0, fmt.Errorf("no action %q; there are apply, calm, certificate, cut, goaway, handshakes, listener, release and stall",
		a.Action)
}

func (p *proxy) later(ms int64, do func()) {
	if ms > 0 {
		time.AfterFunc(time.Duration(ms)*time.Millisecond, do)
	}
}

func (p *proxy) release(a *action) int {
	if a.UserAgent == nil {
		p.connections.stallNew(false)
		p.streams.releaseAll()
	}
	return p.each(a, func(c *connection) { c.wire.release() })
}

func (p *proxy) swapCertificate(a *action) (int, error) {
	pair, err := tls.LoadX509KeyPair(a.Certificate, a.Key)
	if err != nil {
		return 0, err
	}
	p.door.certificate.Store(&pair)
	return 0, nil
}

// reopen tries again for a while: another program may hold the port for a moment.
func (p *proxy) reopen() error {
	var err error
	for range 50 {
		if err = p.door.open(); err == nil {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return err
}

func (p *proxy) moveListener(a *action) error {
	if a.Open == nil {
		return errors.New("listener: open=true or open=false")
	}
	if *a.Open {
		p.later(a.ForMs, p.door.close)
		return p.reopen()
	}
	p.door.close()
	p.later(a.ForMs, func() {
		if err := p.reopen(); err != nil {
			p.log.note(map[string]any{"listener": err.Error()})
		}
	})
	return nil
}

// apply puts a fault on streams that are open already.
func (p *proxy) apply(a *action) (int, error) {
	if a.Fault == nil {
		return 0, errors.New("apply: needs a fault")
	}
	if a.Match == nil {
		a.Match = &ruleMatch{}
	}
	if err := errors.Join(a.Match.check(), a.Fault.check()); err != nil {
		return 0, err
	}
	if !slices.Contains(streamFaults, a.Fault.Kind) || a.Fault.At == "answer" || a.Fault.At == "request" {
		return 0, fmt.Errorf("apply: %s cannot happen to an open stream", a.Fault.Kind)
	}
	made := p.rules.passing(ruleSpec{Match: *a.Match, Fault: *a.Fault}, a.ForMs)
	chosen := p.streams.matching(a.Match)
	for _, one := range chosen {
		made.mutex.Lock()
		fired := made.fire()
		made.mutex.Unlock()
		if a.Fault.Kind == "cut-connection" {
			one.owner.wire.cutAfter(made.ctx, fired.bytes, func() { p.noteInjected(fired, one.owner, one.info, 0, 0) })
			if fired.bytes == 0 {
				one.owner.cut()
			}
			continue
		}
		one.mutex.Lock()
		one.arrived = append(one.arrived, fired)
		one.mutex.Unlock()
		select {
		case one.wake <- struct{}{}:
		default:
		}
	}
	return len(chosen), nil
}
