package mock

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"slices"
	"time"
)

// certificateLife is longer than a test server runs, and short enough for
// every client: some refuse certificates of more than 825 days.
const certificateLife = 365 * 24 * time.Hour

// certify makes a certificate authority, has it sign a certificate for this
// machine and the host, and forgets its key.
func (s *Server) certify() (*tls.Config, error) {
	if !s.opts.TLS {
		return nil, nil
	}
	now := time.Now()
	authority := &x509.Certificate{
		Subject:               pkix.Name{Organization: []string{"authspec mock"}, CommonName: "authspec mock " + now.UTC().Format(time.RFC3339)},
		KeyUsage:              x509.KeyUsageCertSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
		MaxPathLenZero:        true,
	}
	server := &x509.Certificate{
		Subject:               pkix.Name{Organization: []string{"authspec mock"}},
		KeyUsage:              x509.KeyUsageDigitalSignature,
		ExtKeyUsage:           []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
		BasicConstraintsValid: true,
		DNSNames:              []string{"localhost"},
		IPAddresses:           []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	switch ip := net.ParseIP(s.opts.Host); {
	case ip == nil && s.opts.Host != "localhost":
		server.DNSNames = append(server.DNSNames, s.opts.Host)
	case ip != nil && !ip.IsUnspecified() && !slices.ContainsFunc(server.IPAddresses, ip.Equal):
		server.IPAddresses = append(server.IPAddresses, ip)
	}
	keys := make([]*ecdsa.PrivateKey, 2)
	for i, c := range []*x509.Certificate{authority, server} {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			return nil, err
		}
		serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
		if err != nil {
			return nil, err
		}
		keys[i] = key
		c.SerialNumber = serial
		c.NotBefore, c.NotAfter = now.Add(-time.Hour), now.Add(certificateLife)
	}
	signed := make([][]byte, 2)
	for i, c := range []*x509.Certificate{authority, server} {
		der, err := x509.CreateCertificate(rand.Reader, c, authority, &keys[i].PublicKey, keys[0])
		if err != nil {
			return nil, fmt.Errorf("the certificate for %s: %w", s.opts.Host, err)
		}
		signed[i] = der
	}
	s.ca = pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: signed[0]})
	return &tls.Config{
		MinVersion:   tls.VersionTLS12,
		Certificates: []tls.Certificate{{Certificate: signed[1:], PrivateKey: keys[1]}},
	}, nil
}
