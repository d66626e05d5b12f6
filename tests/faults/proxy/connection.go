package main

import (
	"context"
	"crypto/tls"
	"io"
	"log"
	"net"
	"net/http"
	"regexp"
	"sync"
	"time"

	"golang.org/x/net/http2"
)

// connection is one client's. Each has a server of its own, so that each can be told to end by itself.
type connection struct {
	proxy  *proxy
	id     uint64
	wire   *wire
	server *http.Server
	frames *frameWire // nil for HTTP/1.1
	ready  chan struct{}

	mutex     sync.Mutex
	userAgent string
}

type connectionKey struct{}

func connectionOf(ctx context.Context) *connection { return ctx.Value(connectionKey{}).(*connection) }

func (c *connection) noteUserAgent(text string) {
	c.mutex.Lock()
	c.userAgent = text
	c.mutex.Unlock()
}

func (c *connection) speaker() string {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.userAgent
}

// serve returns when the connection has ended.
func (c *connection) serve() {
	defer c.proxy.connections.remove(c)
	defer c.wire.Close()
	ctx := context.WithValue(context.Background(), connectionKey{}, c)
	secured := tls.Server(c.wire, c.proxy.door.tlsConfig())
	if err := secured.HandshakeContext(ctx); err != nil {
		return
	}
	quiet := log.New(io.Discard, "", 0)
	c.server = &http.Server{Handler: c.proxy, ErrorLog: quiet, BaseContext: func(net.Listener) context.Context { return ctx }}
	if secured.ConnectionState().NegotiatedProtocol == http2.NextProtoTLS {
		// As many streams as kube-apiserver allows.
		protocol := &http2.Server{MaxConcurrentStreams: 100}
		if err := http2.ConfigureServer(c.server, protocol); err != nil {
			return
		}
		c.frames = &frameWire{Conn: secured}
		close(c.ready)
		protocol.ServeConn(c.frames, &http2.ServeConnOpts{Context: ctx, BaseConfig: c.server, Handler: c.proxy})
		return
	}
	close(c.ready)
	_ = c.server.Serve(&onlyListener{connection: secured, wire: c.wire})
}

func (c *connection) isReady() bool {
	select {
	case <-c.ready:
		return true
	default:
		return false
	}
}

func (c *connection) cut() { c.wire.cut() }

// goaway: gracefully, streams under way are finished; abruptly, all end.
func (c *connection) goaway(mode string, code uint32) {
	switch {
	case !c.isReady():
		return
	case c.frames == nil:
		c.server.SetKeepAlivesEnabled(false)
		if mode == "abrupt" {
			_ = c.wire.Close()
		}
	case mode == "abrupt":
		done := make(chan struct{})
		go c.frames.put(goawayFrame(code), func() { close(done) })
		go func() {
			// A client that reads nothing must not keep its connection.
			select {
			case <-done:
			case <-time.After(time.Second):
			}
			_ = c.wire.CloseWrite()
			time.AfterFunc(100*time.Millisecond, func() { _ = c.wire.Close() })
		}()
	default:
		go func() { _ = c.server.Shutdown(context.Background()) }()
	}
}

// onlyListener hands out one connection and waits for its end.
type onlyListener struct {
	connection net.Conn
	wire       *wire
	once       sync.Once
}

func (l *onlyListener) Accept() (net.Conn, error) {
	var first net.Conn
	l.once.Do(func() { first = l.connection })
	if first != nil {
		return first, nil
	}
	<-l.wire.closed
	return nil, net.ErrClosed
}

func (l *onlyListener) Close() error   { return nil }
func (l *onlyListener) Addr() net.Addr { return l.connection.LocalAddr() }

// connectionSet is all open connections.
type connectionSet struct {
	mutex    sync.Mutex
	accepted uint64
	open     map[*connection]bool
	stalled  bool // new ones are stalled from the start
}

func newConnectionSet() *connectionSet { return &connectionSet{open: map[*connection]bool{}} }

func (s *connectionSet) add(p *proxy, inner *net.TCPConn) *connection {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	s.accepted++
	c := &connection{proxy: p, id: s.accepted, wire: newWire(inner, s.stalled), ready: make(chan struct{})}
	s.open[c] = true
	return c
}

func (s *connectionSet) remove(c *connection) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	delete(s.open, c)
}

// stallNew says what becomes of connections that are accepted from now on.
func (s *connectionSet) stallNew(stalled bool) {
	s.mutex.Lock()
	s.stalled = stalled
	s.mutex.Unlock()
}

// each calls do for the connections whose client fits, and returns their number.
func (s *connectionSet) each(userAgent *regexp.Regexp, do func(*connection)) int {
	s.mutex.Lock()
	var chosen []*connection
	for c := range s.open {
		if userAgent == nil || userAgent.MatchString(c.speaker()) {
			chosen = append(chosen, c)
		}
	}
	s.mutex.Unlock()
	for _, c := range chosen {
		do(c)
	}
	return len(chosen)
}
