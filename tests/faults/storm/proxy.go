package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"time"
)

// proxy is one fault proxy's control socket.
type proxy struct {
	client *http.Client
}

func newProxy(folder string) *proxy {
	socket := filepath.Join(folder, "control")
	return &proxy{&http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", socket)
		}}}}
}

func (p *proxy) send(ctx context.Context, method, path, body string, into any) error {
	request, err := http.NewRequestWithContext(ctx, method, "http://proxy"+path, strings.NewReader(body))
	if err != nil {
		return err
	}
	answer, err := p.client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode >= 300 {
		return fmt.Errorf("the proxy refuses %s %s %s: %s", method, path, body, text)
	}
	if into == nil {
		return nil
	}
	return json.Unmarshal(text, into)
}

func (p *proxy) add(ctx context.Context, rule string) error {
	return p.send(ctx, "POST", "/rules", rule, nil)
}

func (p *proxy) act(ctx context.Context, action string) error {
	return p.send(ctx, "POST", "/actions", action, nil)
}

func (p *proxy) get(ctx context.Context, path string, into any) error {
	return p.send(ctx, "GET", path, "", into)
}
