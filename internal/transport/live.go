// Package transport holds the round trippers that carry real requests.
package transport

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"time"
)

// Limits of a live connection.
const (
	dialTimeout      = 10 * time.Second
	handshakeTimeout = 10 * time.Second
	maxHeaderBytes   = 256 << 10
	// idlePerHost is above any sensible --concurrency: with the default of 2
	// a run opens hundreds of connections.
	idlePerHost = 64
)

// NewLive returns the transport of a live run. It verifies TLS 1.2 or later
// against the system's certificate authorities and those in extraCA (PEM; may
// be empty), and goes through the proxy that HTTPS_PROXY and NO_PROXY name,
// never for an address of this machine. It follows no redirects.
func NewLive(extraCA []byte) (*http.Transport, error) {
	var roots *x509.CertPool
	if len(extraCA) > 0 {
		system, err := x509.SystemCertPool()
		if err != nil {
			system = x509.NewCertPool()
		}
		if !system.AppendCertsFromPEM(extraCA) {
			return nil, errors.New("no PEM certificate in it")
		}
		roots = system
	}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: dialTimeout}).DialContext,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
		TLSHandshakeTimeout:    handshakeTimeout,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           4 * idlePerHost,
		MaxIdleConnsPerHost:    idlePerHost,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: maxHeaderBytes,
	}, nil
}
