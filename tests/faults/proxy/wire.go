package main

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"errors"
	"net"
	"sync"

	"golang.org/x/net/http2"
)

// wire is a client's TCP connection, below TLS: the place to stall it and to cut it at any byte.
type wire struct {
	*net.TCPConn
	mutex  sync.Mutex
	gate   chan struct{} // closed: it runs; open: it is stalled
	budget int64         // bytes still to be written before the cut; negative: no cut
	owner  context.Context
	cutAt  func() // called once the budget has been used up
	closed chan struct{}
	once   sync.Once
}

var errCut = errors.New("the connection was cut on purpose")

func newWire(inner *net.TCPConn, stalled bool) *wire {
	w := &wire{TCPConn: inner, gate: make(chan struct{}), budget: -1, closed: make(chan struct{})}
	if !stalled {
		close(w.gate)
	}
	return w
}

func (w *wire) stall() {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	select {
	case <-w.gate:
		w.gate = make(chan struct{})
	default:
	}
}

func (w *wire) release() {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	select {
	case <-w.gate:
	default:
		close(w.gate)
	}
}

// pass returns when the connection runs.
func (w *wire) pass() error {
	w.mutex.Lock()
	gate := w.gate
	w.mutex.Unlock()
	select {
	case <-gate:
		return nil
	case <-w.closed:
		return net.ErrClosed
	}
}

// Read holds back what arrived in the meantime, too.
func (w *wire) Read(into []byte) (int, error) {
	if err := w.pass(); err != nil {
		return 0, err
	}
	count, err := w.TCPConn.Read(into)
	if stalled := w.pass(); stalled != nil {
		return 0, stalled
	}
	return count, err
}

func (w *wire) Write(from []byte) (int, error) {
	if err := w.pass(); err != nil {
		return 0, err
	}
	limit, callback := w.spend(int64(len(from)))
	if limit < 0 {
		return w.TCPConn.Write(from)
	}
	count, _ := w.TCPConn.Write(from[:limit])
	w.cut()
	callback()
	return count, errCut
}

// spend takes bytes off the budget; it returns how many may still be written before the cut, negative for all.
func (w *wire) spend(count int64) (int64, func()) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.budget >= 0 && w.owner.Err() != nil {
		w.budget = -1
	}
	if w.budget < 0 {
		return -1, nil
	}
	if count < w.budget {
		w.budget -= count
		return -1, nil
	}
	limit := w.budget
	w.budget = -1
	return limit, w.cutAt
}

// cutAfter arms the cut; the sooner one counts.
func (w *wire) cutAfter(owner context.Context, count int64, callback func()) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if w.budget < 0 || w.owner.Err() != nil || count < w.budget {
		w.budget, w.owner, w.cutAt = count, owner, callback
	}
}

func (w *wire) disarm() {
	w.mutex.Lock()
	w.budget = -1
	w.mutex.Unlock()
}

// cut ends the connection with a TCP RST.
func (w *wire) cut() {
	_ = w.SetLinger(0)
	_ = w.Close()
}

func (w *wire) Close() error {
	err := net.ErrClosed
	w.once.Do(func() {
		close(w.closed)
		err = w.TCPConn.Close()
	})
	return err
}

// frameWire is a client's connection above TLS. It follows the HTTP/2 frames that the server writes, so that one more
// can be put in between two of them.
type frameWire struct {
	*tls.Conn
	mutex   sync.Mutex
	header  [9]byte
	have    int    // bytes of the header seen
	left    uint32 // bytes of the payload to come
	blocked bool   // within a header block, where no other frame may come
	pending []byte
	after   func()
}

func (w *frameWire) atBorder() bool { return w.have == 0 && w.left == 0 && !w.blocked }

// follow takes note of what goes out.
func (w *frameWire) follow(out []byte) {
	for len(out) > 0 {
		if w.left > 0 {
			step := min(int(w.left), len(out))
			w.left -= uint32(step)
			out = out[step:]
			continue
		}
		step := copy(w.header[w.have:], out)
		w.have += step
		out = out[step:]
		if w.have < len(w.header) {
			return
		}
		w.have = 0
		w.left = binary.BigEndian.Uint32(w.header[:4]) >> 8
		kind := http2.FrameType(w.header[3])
		if kind == http2.FrameHeaders || kind == http2.FrameContinuation {
			w.blocked = http2.Flags(w.header[4])&http2.FlagHeadersEndHeaders == 0
		}
	}
}

func (w *frameWire) Write(out []byte) (int, error) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	count, err := w.Conn.Write(out)
	w.follow(out[:count])
	if err == nil {
		w.flushPending()
	}
	return count, err
}

func (w *frameWire) flushPending() {
	if w.pending == nil || !w.atBorder() {
		return
	}
	_, _ = w.Conn.Write(w.pending)
	w.pending = nil
	w.after()
}

// put writes the frame at the next border, then calls after.
func (w *frameWire) put(frame []byte, after func()) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.pending, w.after = frame, after
	w.flushPending()
}

// goawayFrame says that any stream may have been acted on.
func goawayFrame(code uint32) []byte {
	frame := []byte{0, 0, 8, byte(http2.FrameGoAway), 0, 0, 0, 0, 0}
	frame = binary.BigEndian.AppendUint32(frame, 1<<31-1)
	return binary.BigEndian.AppendUint32(frame, code)
}
