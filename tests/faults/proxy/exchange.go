package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"
)

// exchange is one request with everything that happens to it.
type exchange struct {
	proxy   *proxy
	writer  http.ResponseWriter
	request *http.Request
	info    *requestInfo
	owner   *connection
	firings []*firing
	counted bool
}

const (
	bodyMaxBytes   = 16 << 20
	answerMaxBytes = 256 << 20
)

// Headers that belong to a connection, not to a request.
var hopHeaders = []string{"Connection", "Expect", "Keep-Alive", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade"}

// ServeHTTP carries a request through. A reset is a panic: that is how a handler asks the server for RST_STREAM.
func (p *proxy) ServeHTTP(writer http.ResponseWriter, request *http.Request) {
	x := &exchange{proxy: p, writer: writer, request: request, info: classify(request), owner: connectionOf(request.Context())}
	x.owner.noteUserAgent(x.info.userAgent)
	x.firings = p.rules.fire(x.info)
	defer x.count(0)
	if err := x.carry(request.Context()); err != nil {
		panic(http.ErrAbortHandler)
	}
}

// count counts the request once, as soon as its status is known.
func (x *exchange) count(status int) {
	if !x.counted {
		x.counted = true
		x.proxy.counts.noteRequest(x.info.verb, x.info.path, status)
	}
}

func (x *exchange) inject(f *firing) { x.proxy.noteInjected(f, x.owner, x.info, 0, 0) }

// carry returns an error where the stream is to be reset.
func (x *exchange) carry(ctx context.Context) error {
	for _, f := range x.firings {
		if f.fault.Kind == "goaway" {
			x.inject(f)
			x.owner.goaway(f.fault.Mode, f.fault.goawayCode())
		}
	}
	if err := x.cutAt("request"); err != nil {
		return err
	}
	answer, isOwn := x.answerWithout(), true
	if answer == nil {
		answer, isOwn = x.forward(ctx)
		if answer == nil {
			return errReset
		}
	}
	defer func() { answer.Body.Close() }()
	if replaced, err := x.replace(answer); err != nil {
		return err
	} else if replaced != nil {
		_ = answer.Body.Close()
		answer, isOwn = replaced, true
	}
	return x.deliver(ctx, answer, isOwn)
}

// cutAt carries out the cuts that belong to that moment.
func (x *exchange) cutAt(moment string) error {
	for _, f := range x.firings {
		if f.fault.At != moment || f.ended() {
			continue
		}
		x.inject(f)
		if f.fault.Kind == "cut-connection" {
			x.owner.cut()
		}
		return errReset
	}
	return nil
}

// answerWithout is what a rule answers instead of the upstream; nil where none does.
func (x *exchange) answerWithout() *http.Response {
	for _, f := range x.firings {
		switch {
		case f.ended():
		case f.fault.Kind == "shadow":
			x.inject(f)
			return x.shadow()
		case f.fault.Kind == "status" && !f.fault.Forward:
			x.inject(f)
			_, _ = io.Copy(io.Discard, io.LimitReader(x.request.Body, bodyMaxBytes))
			return f.fault.answer()
		}
	}
	return nil
}

// forward sends the request on, once. The second result is true where the answer is our own; nil: reset.
func (x *exchange) forward(ctx context.Context) (*http.Response, bool) {
	target := *x.request.URL
	target.Scheme, target.Host = x.proxy.upstream.base.Scheme, x.proxy.upstream.base.Host
	outgoing := &http.Request{Method: x.request.Method, URL: &target, Host: target.Host, Header: x.outgoingHeader(),
		Body: x.request.Body, ContentLength: x.request.ContentLength}
	if outgoing.ContentLength == 0 {
		outgoing.Body = http.NoBody
	}
	answer, err := x.proxy.upstream.send(outgoing.WithContext(ctx))
	if ctx.Err() != nil {
		if answer != nil {
			_ = answer.Body.Close()
		}
		return nil, false
	}
	if err != nil {
		x.proxy.log.note(map[string]any{"upstream": err.Error(), "verb": x.info.verb, "path": x.info.path})
		return madeAnswer(http.StatusBadGateway, "text/plain; charset=utf-8", []byte("fault-proxy: "+err.Error()+"\n")), true
	}
	return answer, false
}

func (x *exchange) outgoingHeader() http.Header {
	header := maps.Clone(x.request.Header)
	for _, name := range hopHeaders {
		header.Del(name)
	}
	if header.Get("User-Agent") == "" {
		header["User-Agent"] = []string{""} // none, rather than the library's
	}
	strips := slices.ContainsFunc(x.firings, func(f *firing) bool { return f.fault.Kind == "strip" })
	if x.info.verb == "watch" || strips {
		header.Del("Accept-Encoding")
	}
	if accept := header.Get("Accept"); strips && (strings.Contains(accept, "protobuf") || strings.Contains(accept, "cbor")) {
		header.Set("Accept", "application/json")
	}
	return header
}

// replace takes the answer to a request that was carried out away from the client.
func (x *exchange) replace(answer *http.Response) (*http.Response, error) {
	for _, f := range x.firings {
		if f.fault.At != "answer" && !(f.fault.Kind == "status" && f.fault.Forward) || f.ended() {
			continue
		}
		if x.info.verb != "watch" {
			_, _ = io.Copy(io.Discard, answer.Body)
		}
		if f.fault.Kind == "status" {
			x.inject(f)
			return f.fault.answer(), nil
		}
		return nil, x.cutAt("answer")
	}
	return nil, nil
}

// deliver sends head and body.
func (x *exchange) deliver(ctx context.Context, answer *http.Response, isOwn bool) error {
	body := &stream{proxy: x.proxy, info: x.info, owner: x.owner, writer: x.writer, body: answer.Body,
		queue: make(chan unit, queueUnits), wake: make(chan struct{}, 1)}
	isJSON := strings.HasPrefix(answer.Header.Get("Content-Type"), "application/json")
	body.framed = x.info.verb == "watch" && answer.StatusCode == http.StatusOK && isJSON
	firings := x.firings
	if isOwn {
		firings = slices.DeleteFunc(slices.Clone(firings), func(f *firing) bool { return f.fault.Kind == "strip" })
	}
	body.arm(firings)
	if err := x.stripWhole(body, isJSON && !isOwn); err != nil {
		return err
	}
	for _, f := range x.firings {
		if f.fault.Kind == "cut-connection" && (f.fault.At == "" || f.fault.At == "body") && !f.ended() {
			x.owner.wire.cutAfter(f.rule.ctx, f.bytes, func() { x.inject(f) })
		}
		if ms := f.fault.HeadMs.draw(f.random); ms > 0 && f.fault.Kind == "delay" {
			x.inject(f)
			if err := wait(ctx, f.rule.ctx, ms); err != nil {
				return err
			}
		}
	}
	x.sendHead(answer, len(body.active) > 0)
	if x.request.Method == http.MethodHead {
		return nil
	}
	x.proxy.streams.add(body)
	defer x.proxy.streams.remove(body)
	if err := body.run(ctx); err != nil && !errors.Is(err, errEnd) {
		return err
	}
	return nil
}

// stripWhole: paths can be taken only out of an answer that is there as a whole.
func (x *exchange) stripWhole(body *stream, applies bool) error {
	isStrip := func(a *armed) bool { return a.fault.Kind == "strip" }
	if !applies || body.framed || !slices.ContainsFunc(body.active, isStrip) {
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(body.body, answerMaxBytes))
	if err != nil {
		return errReset
	}
	for _, a := range body.active {
		if isStrip(a) && !a.ended() {
			text = body.strip(a, text, stripAnswer)
		}
	}
	body.body = bytes.NewReader(text)
	return nil
}

func (x *exchange) sendHead(answer *http.Response, changed bool) {
	header := x.writer.Header()
	for name, values := range answer.Header {
		// Of a connection's headers only what a rule set is ours to send.
		if !slices.Contains(hopHeaders, name) || answer.Request == nil {
			header[name] = values
		}
	}
	if changed {
		header.Del("Content-Length")
	}
	if _, dated := header["Date"]; !dated {
		header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	}
	x.count(answer.StatusCode)
	x.writer.WriteHeader(answer.StatusCode)
	_ = http.NewResponseController(x.writer).Flush()
}

func (f *faultSpec) goawayCode() uint32 {
	if f.Code == 0 {
		return 2 // INTERNAL_ERROR
	}
	return uint32(f.Code)
}
