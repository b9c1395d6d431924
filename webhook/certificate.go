package webhook

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"github.com/bittrance/kitops/poller/files"
)

// certificate is read again when its files change, since certificates are renewed every few weeks.
type certificate struct {
	certFile, keyFile string
	log               *slog.Logger

	mu      sync.Mutex
	current *tls.Certificate
	cert    files.Stamp // of the files that were read last
	key     files.Stamp
}

func newCertificate(certFile, keyFile string, log *slog.Logger) (*certificate, error) {
	if certFile == "" || keyFile == "" {
		return nil, errors.New("TLS needs both a certificate and its private key")
	}
	c := &certificate{certFile: certFile, keyFile: keyFile, log: log}
	c.cert, c.key = files.StampOf(certFile), files.StampOf(keyFile)
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
	if cert, key := files.StampOf(c.certFile), files.StampOf(c.keyFile); !cert.Same(c.cert) || !key.Same(c.key) {
		c.cert, c.key = cert, key
		if err := c.load(); err != nil {
			c.log.Error("the TLS certificate stays as it was", "err", err)
		} else {
			c.log.Info("TLS certificate read again", "file", c.certFile)
		}
	}
	return c.current, nil
}
