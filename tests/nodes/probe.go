package main

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// prober looks at a container as one of its probes says.
type prober struct {
	probe       *corev1.Probe
	container   *corev1.Container
	podIP       string
	productPort int
}

var probeClient = &http.Client{
	Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}},
	CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	},
}

// run calls report after each look, with thresholds applied by the caller, until the context ends.
func (p *prober) run(ctx context.Context, report func(failure string)) {
	timer := time.NewTimer(time.Duration(p.probe.InitialDelaySeconds) * time.Second)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		failure := p.look(ctx)
		if ctx.Err() != nil {
			return
		}
		report(failure)
		timer.Reset(max(time.Second, time.Duration(p.probe.PeriodSeconds)*time.Second))
	}
}

// look returns "" for success. Kinds that need a process in the container (exec, grpc) count as success.
func (p *prober) look(ctx context.Context) string {
	ctx, cancel := context.WithTimeout(ctx, max(time.Second, time.Duration(p.probe.TimeoutSeconds)*time.Second))
	defer cancel()
	switch {
	case p.probe.HTTPGet != nil:
		return p.lookHTTP(ctx, p.probe.HTTPGet)
	case p.probe.TCPSocket != nil:
		address := net.JoinHostPort(p.host(p.probe.TCPSocket.Host), strconv.Itoa(p.port(p.probe.TCPSocket.Port)))
		connection, err := (&net.Dialer{}).DialContext(ctx, "tcp", address)
		if err != nil {
			return err.Error()
		}
		_ = connection.Close()
	}
	return ""
}

func (p *prober) lookHTTP(ctx context.Context, action *corev1.HTTPGetAction) string {
	path := action.Path
	if !strings.HasPrefix(path, "/") {
		path = "/" + path
	}
	address := net.JoinHostPort(p.host(action.Host), strconv.Itoa(p.port(action.Port)))
	url := strings.ToLower(string(action.Scheme)) + "://" + address + path
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err.Error()
	}
	request.Header.Set("User-Agent", "kube-probe/1.36")
	for _, header := range action.HTTPHeaders {
		if strings.EqualFold(header.Name, "Host") {
			request.Host = header.Value
		}
		request.Header.Add(header.Name, header.Value)
	}
	response, err := probeClient.Do(request)
	if err != nil {
		return err.Error()
	}
	defer response.Body.Close()
	if _, err := io.Copy(io.Discard, io.LimitReader(response.Body, 10*1024)); err != nil {
		return err.Error()
	}
	if response.StatusCode < 200 || response.StatusCode >= 400 {
		return fmt.Sprintf("HTTP probe failed with statuscode: %d", response.StatusCode)
	}
	return ""
}

func (p *prober) host(own string) string {
	if own != "" {
		return own
	}
	return p.podIP
}

// port resolves a port's name, and takes the product's usual port for the one it has here.
func (p *prober) port(value intstr.IntOrString) int {
	port := value.IntValue()
	if value.Type == intstr.String {
		for _, named := range p.container.Ports {
			if named.Name == value.StrVal {
				port = int(named.ContainerPort)
			}
		}
	}
	if isProduct(p.container.Image) && (port == 80 || port == 8080) {
		return p.productPort
	}
	return port
}
