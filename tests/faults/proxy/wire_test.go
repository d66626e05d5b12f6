package main

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/http2"
	"golang.org/x/net/http2/hpack"
)

// bench is a proxy before an upstream that the test writes.
type bench struct {
	proxy *proxy
	t     *testing.T
}

func writePEM(t *testing.T, path, kind string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: content}), 0o600); err != nil {
		t.Fatal(err)
	}
}

func newBench(t *testing.T, handler http.HandlerFunc) *bench {
	t.Helper()
	folder := t.TempDir()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "test"}, IsCA: true,
		NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, BasicConstraintsValid: true}
	certificate, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyText, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	o := &options{certificate: filepath.Join(folder, "crt"), key: filepath.Join(folder, "key"), listen: "127.0.0.1:0", seed: 5}
	writePEM(t, o.certificate, "CERTIFICATE", certificate)
	writePEM(t, o.key, "PRIVATE KEY", keyText)
	upstream := httptest.NewUnstartedServer(handler)
	upstream.EnableHTTP2 = true
	upstream.TLS = &tls.Config{Certificates: []tls.Certificate{{Certificate: [][]byte{certificate}, PrivateKey: key}}}
	upstream.StartTLS()
	t.Cleanup(upstream.Close)
	o.upstream, o.upstreamCA = upstream.URL, o.certificate
	p, err := newProxy(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.end)
	if err := p.door.open(); err != nil {
		t.Fatal(err)
	}
	return &bench{p, t}
}

func (b *bench) rule(source string) {
	b.t.Helper()
	if _, err := b.proxy.rules.add([]byte(source)); err != nil {
		b.t.Fatal(err)
	}
}

// raw is a client that sees every HTTP/2 frame.
type raw struct {
	*http2.Framer
	t       *testing.T
	tls     *tls.Conn
	encoder *hpack.Encoder
	block   bytes.Buffer
}

func (b *bench) dial() *raw {
	b.t.Helper()
	connection, err := tls.Dial("tcp", b.proxy.door.address(), &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2"}})
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(func() { _ = connection.Close() })
	_ = connection.SetDeadline(time.Now().Add(10 * time.Second))
	r := &raw{Framer: http2.NewFramer(connection, connection), t: b.t, tls: connection}
	r.encoder = hpack.NewEncoder(&r.block)
	if _, err := io.WriteString(connection, http2.ClientPreface); err != nil {
		b.t.Fatal(err)
	}
	if err := r.WriteSettings(); err != nil {
		b.t.Fatal(err)
	}
	return r
}

func (r *raw) get(stream uint32, path string) {
	r.t.Helper()
	r.block.Reset()
	for _, field := range [][2]string{{":method", "GET"}, {":scheme", "https"}, {":authority", "x"}, {":path", path}} {
		_ = r.encoder.WriteField(hpack.HeaderField{Name: field[0], Value: field[1]})
	}
	err := r.WriteHeaders(http2.HeadersFrameParam{StreamID: stream, BlockFragment: r.block.Bytes(), EndStream: true, EndHeaders: true})
	if err != nil {
		r.t.Fatal(err)
	}
}

// next returns a short text for each frame that matters.
func (r *raw) next() string {
	r.t.Helper()
	for {
		frame, err := r.ReadFrame()
		switch {
		case errors.Is(err, syscall.ECONNRESET):
			return "tcp reset"
		case err != nil:
			return "closed"
		}
		switch typed := frame.(type) {
		case *http2.HeadersFrame:
			return fmt.Sprintf("head %d", typed.StreamID)
		case *http2.DataFrame:
			if len(typed.Data()) == 0 && typed.StreamEnded() {
				return fmt.Sprintf("end %d", typed.StreamID)
			}
			if len(typed.Data()) > 0 {
				return fmt.Sprintf("data %d %q", typed.StreamID, typed.Data())
			}
		case *http2.RSTStreamFrame:
			return fmt.Sprintf("reset %d %s", typed.StreamID, typed.ErrCode)
		case *http2.GoAwayFrame:
			return fmt.Sprintf("goaway %d %s", typed.LastStreamID, typed.ErrCode)
		}
	}
}

func (r *raw) expect(wanted ...string) {
	r.t.Helper()
	for _, one := range wanted {
		if got := r.next(); got != one {
			r.t.Fatalf("got %s instead of %s", got, one)
		}
	}
}

// watchUpstream sends a frame per text that comes in, and ends with the channel.
func watchUpstream(frames <-chan string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusOK)
		_ = http.NewResponseController(w).Flush()
		for {
			select {
			case frame, more := <-frames:
				if !more {
					return
				}
				_, _ = io.WriteString(w, frame+"\n")
				_ = http.NewResponseController(w).Flush()
			case <-r.Context().Done():
				return
			}
		}
	}
}

func TestCutStreamIsReset(t *testing.T) {
	b := newBench(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "0123456789") })
	b.rule(`{"when":{"nth":1},"fault":{"kind":"cut-stream","bytes":4}}`)
	b.rule(`{"when":{"nth":2},"fault":{"kind":"truncate","bytes":4}}`)
	r := b.dial()
	r.get(1, "/x")
	r.expect("head 1", `data 1 "0123"`, "reset 1 INTERNAL_ERROR")
	r.get(3, "/x")
	r.expect("head 3", `data 3 "0123"`, "end 3")
	r.get(5, "/x")
	r.expect("head 5", `data 5 "0123456789"`, "end 5")
}

func TestGracefulGoawayLetsStreamsFinish(t *testing.T) {
	frames := make(chan string)
	b := newBench(t, watchUpstream(frames))
	r := b.dial()
	r.get(1, "/api/v1/pods?watch=1")
	r.expect("head 1")
	if affected, err := b.proxy.act(&action{Action: "goaway"}); affected != 1 || err != nil {
		t.Fatal(affected, err)
	}
	r.expect("goaway 1 NO_ERROR")
	frames <- "a"
	r.expect(`data 1 "a\n"`)
	close(frames)
	r.expect("end 1", "closed")
}

func TestAbruptGoawayEndsAll(t *testing.T) {
	frames := make(chan string)
	b := newBench(t, watchUpstream(frames))
	r := b.dial()
	r.get(1, "/api/v1/pods?watch=1")
	r.expect("head 1")
	if _, err := b.proxy.act(&action{Action: "goaway", Mode: "abrupt", Code: 11}); err != nil {
		t.Fatal(err)
	}
	r.expect("goaway 2147483647 ENHANCE_YOUR_CALM", "closed")
}

func TestCutConnectionIsReset(t *testing.T) {
	b := newBench(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "0123456789") })
	b.rule(`{"when":{"nth":2},"fault":{"kind":"cut-connection"}}`)
	r := b.dial()
	r.get(1, "/x")
	r.expect("head 1", `data 1 "0123456789"`, "end 1")
	r.get(3, "/x")
	r.expect("tcp reset")
}

func TestNothingIsSentTwiceUpstream(t *testing.T) {
	seen := make(chan string, 10)
	b := newBench(t, func(_ http.ResponseWriter, r *http.Request) {
		seen <- r.URL.Path
		panic(http.ErrAbortHandler)
	})
	r := b.dial()
	r.get(1, "/once")
	r.expect("head 1")
	if got := len(seen); got != 1 {
		t.Fatalf("the upstream saw %d requests", got)
	}
}

// A frame put between two of the server's own must not split one, nor a header block.
func TestFollowFindsBorders(t *testing.T) {
	w := &frameWire{}
	head := []byte{0, 0, 2, byte(http2.FrameHeaders), 0, 0, 0, 0, 1, 'a', 'b'}
	rest := []byte{0, 0, 1, byte(http2.FrameContinuation), byte(http2.FlagContinuationEndHeaders), 0, 0, 0, 1, 'c'}
	data := []byte{0, 0, 3, byte(http2.FrameData), 0, 0, 0, 0, 1, 'd', 'e', 'f'}
	all := append(append(append([]byte{}, head...), rest...), data...)
	borders := []int{}
	for i := range all {
		w.follow(all[i : i+1])
		if w.atBorder() {
			borders = append(borders, i+1)
		}
	}
	if fmt.Sprint(borders) != fmt.Sprint([]int{len(head) + len(rest), len(all)}) {
		t.Fatal(borders)
	}
}

func TestReleaseAndClearLetGo(t *testing.T) {
	for _, how := range []string{"release", "clear"} {
		frames := make(chan string, 2)
		b := newBench(t, watchUpstream(frames))
		b.rule(`{"fault":{"kind":"stall","frames":1}}`)
		r := b.dial()
		r.get(1, "/api/v1/pods?watch=1")
		frames <- "a"
		r.expect("head 1", `data 1 "a\n"`)
		for b.proxy.report().Faults["stall"] == 0 {
			time.Sleep(time.Millisecond)
		}
		frames <- "b"
		if how == "clear" {
			b.proxy.rules.remove("")
		} else if _, err := b.proxy.act(&action{Action: "release"}); err != nil {
			t.Fatal(err)
		}
		r.expect(`data 1 "b\n"`)
	}
}
