package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"slices"
	"sync"
	"time"

	"golang.org/x/net/http2"
)

// upstreamPool is the proxy's own connections to the API server. It uses them one by one instead of through a transport,
// since a transport sends a request again where it thinks that it may.
type upstreamPool struct {
	base        *url.URL
	config      *tls.Config
	transport   *http2.Transport
	mutex       sync.Mutex
	connections []*http2.ClientConn
	failures    int64
}

// The API server allows 100 streams on a connection.
const streamsPerConnection = 60

func newUpstreamPool(address, authority string) (*upstreamPool, error) {
	base, err := url.Parse(address)
	if err != nil {
		return nil, err
	}
	if base.Scheme != "https" || base.Host == "" {
		return nil, fmt.Errorf("--upstream: %s is no https address", address)
	}
	if base.Port() == "" {
		base.Host = net.JoinHostPort(base.Hostname(), "443")
	}
	text, err := os.ReadFile(authority)
	if err != nil {
		return nil, err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate", authority)
	}
	return &upstreamPool{
		base:      base,
		config:    &tls.Config{RootCAs: roots, ServerName: base.Hostname(), NextProtos: []string{http2.NextProtoTLS}},
		transport: &http2.Transport{DisableCompression: true},
	}, nil
}

// send carries a request out once, or fails.
func (u *upstreamPool) send(request *http.Request) (*http.Response, error) {
	connection, err := u.reserve(request.Context())
	var response *http.Response
	if err == nil {
		response, err = connection.RoundTrip(request)
	}
	if err != nil && request.Context().Err() == nil {
		u.mutex.Lock()
		u.failures++
		u.mutex.Unlock()
	}
	return response, err
}

// reserve finds room on a connection, or makes one.
func (u *upstreamPool) reserve(ctx context.Context) (*http2.ClientConn, error) {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	u.connections = slices.DeleteFunc(u.connections, func(c *http2.ClientConn) bool {
		state := c.State()
		return state.Closed || state.Closing
	})
	for _, c := range u.connections {
		if state := c.State(); state.StreamsActive+state.StreamsReserved < streamsPerConnection && c.ReserveNewRequest() {
			return c, nil
		}
	}
	dialer := &tls.Dialer{NetDialer: &net.Dialer{Timeout: 3 * time.Second}, Config: u.config}
	inner, err := dialer.DialContext(ctx, "tcp", u.base.Host)
	if err != nil {
		return nil, err
	}
	if inner.(*tls.Conn).ConnectionState().NegotiatedProtocol != http2.NextProtoTLS {
		return nil, errors.Join(errors.New("the upstream does not speak HTTP/2"), inner.Close())
	}
	made, err := u.transport.NewClientConn(inner)
	if err != nil {
		return nil, errors.Join(err, inner.Close())
	}
	if !made.ReserveNewRequest() {
		return nil, errors.New("the upstream takes no request")
	}
	u.connections = append(u.connections, made)
	return made, nil
}

// look is the number of connections, and of requests that got no answer.
func (u *upstreamPool) look() (int, int64) {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	return len(u.connections), u.failures
}

func (u *upstreamPool) close() {
	u.mutex.Lock()
	defer u.mutex.Unlock()
	for _, c := range u.connections {
		_ = c.Close()
	}
	u.connections = nil
}
