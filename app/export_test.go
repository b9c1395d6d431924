package app

import (
	"crypto/tls"
	"crypto/x509"
	"net/http"
	"time"
)

// Vigilant is the transport of the program, which notices in that time that a connection died.
func Vigilant(ca []byte, within time.Duration) http.RoundTripper {
	t := vigilant(within / 2)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(ca)
	t.TLSClientConfig = &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12}
	return t
}
