package main

import (
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/net/http2"
)

// door is where clients come in: the listener, the certificate, and whether they are let in at all.
type door struct {
	proxy       *proxy
	certificate atomic.Pointer[tls.Certificate]
	refusing    atomic.Bool
	refused     atomic.Int64
	mutex       sync.Mutex // guards what follows
	listener    *net.TCPListener
	where       string
}

func newDoor(p *proxy, where string, certificate *tls.Certificate) *door {
	d := &door{proxy: p, where: where}
	d.certificate.Store(certificate)
	return d
}

var errRefused = errors.New("handshakes are refused on purpose")

// tlsConfig has no session tickets: a resumed session would not show a new certificate.
func (d *door) tlsConfig() *tls.Config {
	return &tls.Config{
		MinVersion:             tls.VersionTLS12,
		NextProtos:             []string{http2.NextProtoTLS, "http/1.1"},
		SessionTicketsDisabled: true,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			if d.refusing.Load() {
				d.refused.Add(1)
				d.proxy.counts.noteFault("handshake-refused")
				return nil, errRefused
			}
			return nil, nil
		},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return d.certificate.Load(), nil },
	}
}

// open listens, at the same port as before where it was open once.
func (d *door) open() error {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if d.listener != nil {
		return nil
	}
	listener, err := net.Listen("tcp", d.where)
	if err != nil {
		return err
	}
	d.listener = listener.(*net.TCPListener)
	d.where = listener.Addr().String()
	go d.accept(d.listener)
	return nil
}

func (d *door) close() {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	if d.listener != nil {
		_ = d.listener.Close()
		d.listener = nil
	}
}

func (d *door) address() string {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	return d.where
}

func (d *door) accept(listener *net.TCPListener) {
	for {
		inner, err := listener.AcceptTCP()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			time.Sleep(10 * time.Millisecond) // out of descriptors: some will be free again
			continue
		}
		go d.proxy.connections.add(d.proxy, inner).serve()
	}
}
