package webhook

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"path/filepath"
	"testing"
	"time"
)

// issue writes a self-signed certificate with a serial number to tell it by.
func issue(t *testing.T, certFile, keyFile string, serial int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(serial), Subject: pkix.Name{CommonName: "kitops"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	replace(t, certFile, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})))
	if keyFile != "" {
		replace(t, keyFile, string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret})))
	}
}

func TestCertificateIsReadAgain(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	issue(t, certFile, keyFile, 1)
	s := open(t, func(s *Server) {
		cert, err := newCertificate(certFile, keyFile, s.o.Log)
		if err != nil {
			t.Fatal(err)
		}
		s.cert = cert
	})
	serial := func() string {
		dialer := &tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"h2", "http/1.1"}}}
		conn, err := dialer.DialContext(t.Context(), "tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		state := conn.(*tls.Conn).ConnectionState()
		want(t, "protocol", state.NegotiatedProtocol, "http/1.1")
		return state.PeerCertificates[0].SerialNumber.String()
	}
	want(t, "at first", serial(), "1")
	issue(t, certFile, "", 2)
	want(t, "in the middle of a renewal", serial(), "1")
	issue(t, certFile, keyFile, 3)
	want(t, "after the renewal", serial(), "3")
}

func TestCertificateThatCannotBeUsed(t *testing.T) {
	dir := t.TempDir()
	certFile, keyFile := filepath.Join(dir, "tls.crt"), filepath.Join(dir, "tls.key")
	issue(t, certFile, keyFile, 1)
	for _, files := range [][2]string{{certFile, ""}, {"", keyFile}, {keyFile, certFile}, {certFile, filepath.Join(dir, "missing")}} {
		if _, err := Listen(t.Context(), Options{Addr: "127.0.0.1:0", CertFile: files[0], KeyFile: files[1], Log: quiet()}); err == nil {
			t.Errorf("%v are taken", files)
		}
	}
}
