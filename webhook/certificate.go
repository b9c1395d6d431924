package webhook

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"sync"
)

// certificate is read again when its files change, since certificates are renewed every few weeks.
type certificate struct {
	certFile, keyFile string
	log               *slog.Logger

	mu      sync.Mutex
	current *tls.Certificate
	cert    stamp // of the files that were read last
	key     stamp
}

func newCertificate(certFile, keyFile string, log *slog.Logger) (*certificate, error) {
	if certFile == "" || keyFile == "" {
		return nil, errors.New("TLS needs both a certificate and its private key")
	}
	c := &certificate{certFile: certFile, keyFile: keyFile, log: log}
	c.cert, c.key = stampOf(certFile), stampOf(keyFile)
	if err := c.load(); err != nil {
		return nil, err
	}
	return c, nil
}

func (c *certificate) load() error {
	pair, err := tls.LoadX509KeyPair(c.certFile, c.keyFile)
	if err != nil {
		return fmt.Errorf("TLS certificate: %w", err)
	}
	c.current = &pair
	return nil
}

// get is for tls.Config. While the files do not fit each other, as in the middle of a renewal, the old certificate stays.
func (c *certificate) get(*tls.ClientHelloInfo) (*tls.Certificate, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if cert, key := stampOf(c.certFile), stampOf(c.keyFile); !cert.same(c.cert) || !key.same(c.key) {
		c.cert, c.key = cert, key
		if err := c.load(); err != nil {
			c.log.Error("the TLS certificate stays as it was", "err", err)
		} else {
			c.log.Info("TLS certificate read again", "file", c.certFile)
		}
	}
	return c.current, nil
}
