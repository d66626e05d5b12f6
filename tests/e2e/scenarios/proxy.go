package main

import (
	"crypto/tls"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"path/filepath"
)

// Kinds that belong to no namespace, of which each operator sees its scenario's.
var sharedPaths = map[string]bool{
	"/api/v1/nodes": true,
	"/apis/scheduling.k8s.io/v1/priorityclasses": true,
	"/apis/metrics.k8s.io/v1beta1/nodes":         true,
}

// proxies stand between the operators and the API server. They change nothing but the question for such kinds: it gets a
// selector of the scenario's label. (All else of other scenarios an operator does not see for their namespaces.)
type proxies struct {
	certificate tls.Certificate
	target      *url.URL
	transport   *http.Transport
}

func newProxies(api *api, cluster string) (*proxies, error) {
	pki := filepath.Join(cluster, "pki")
	certificate, err := tls.LoadX509KeyPair(filepath.Join(pki, "apiserver.crt"), filepath.Join(pki, "apiserver.key"))
	if err != nil {
		return nil, err
	}
	target, err := url.Parse(api.server)
	if err != nil {
		return nil, err
	}
	// The operators bring their own credentials: no certificate of the administrator's.
	trust := api.client.Transport.(*http.Transport).TLSClientConfig.RootCAs
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: trust, MinVersion: tls.VersionTLS12}}
	return &proxies{certificate: certificate, target: target, transport: transport}, nil
}

// start returns the proxy of one scenario and its address.
func (p *proxies) start(number string) (*http.Server, string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, "", err
	}
	handler := &httputil.ReverseProxy{
		Rewrite: func(request *httputil.ProxyRequest) {
			request.SetURL(p.target)
			if sharedPaths[request.In.URL.Path] {
				query := request.Out.URL.Query()
				query.Set("labelSelector", scenarioLabel+"="+number)
				request.Out.URL.RawQuery = query.Encode()
			}
		},
		Transport:     p.transport,
		FlushInterval: -1, // each event of a watch at once
		ErrorHandler:  func(writer http.ResponseWriter, _ *http.Request, _ error) { writer.WriteHeader(http.StatusBadGateway) },
	}
	server := &http.Server{Handler: handler, TLSConfig: &tls.Config{Certificates: []tls.Certificate{p.certificate},
		MinVersion: tls.VersionTLS12}}
	go func() { _ = server.ServeTLS(listener, "", "") }()
	return server, "https://" + listener.Addr().String(), nil
}
