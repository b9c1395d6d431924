package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"

	"github.com/bittrance/kitops/poller/files"
	hidden "github.com/bittrance/kitops/poller/secret"
)

const (
	shortSecret    = 16      // bytes; shorter ones can be guessed from one signed payload
	maxSecretsFile = 1 << 16 // bytes
)

// Secrets are what GitHub signs deliveries with: several while one is replaced by another. They may be used concurrently.
type Secrets struct {
	file string
	log  *slog.Logger

	mu   sync.Mutex
	all  []hidden.Text
	seen files.Stamp // of the file that was read last
}

// ReadSecrets reads one secret per line of a file, and again whenever the file changes. Blank lines are skipped. The error
// says that the file cannot be read or holds no secret.
func ReadSecrets(file string, log *slog.Logger) (*Secrets, error) {
	s := &Secrets{file: file, log: log, seen: files.StampOf(file)}
	all, err := s.read()
	if err != nil {
		return nil, err
	}
	s.all = all
	return s, nil
}

// LiteralSecrets takes the secrets themselves, one per line. The error says that there is none.
func LiteralSecrets(text hidden.Text, log *slog.Logger) (*Secrets, error) {
	s := &Secrets{log: log}
	all, err := s.parse(text.Reveal())
	if err != nil {
		return nil, fmt.Errorf("webhook secret: %w", err)
	}
	s.all = all
	return s, nil
}

// Verify tells whether the body was signed with one of the secrets, given the X-Hub-Signature-256 header:
// https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
func (s *Secrets) Verify(signature string, body []byte) bool {
	given, ok := parseSignature(signature)
	if !ok {
		return false
	}
	match := false
	for _, secret := range s.current() { // all of them, so that time tells nothing
		mac := hmac.New(sha256.New, []byte(secret.Reveal()))
		_, _ = mac.Write(body) // never fails
		if hmac.Equal(given, mac.Sum(nil)) {
			match = true
		}
	}
	return match
}

func parseSignature(header string) ([]byte, bool) {
	digits, found := strings.CutPrefix(header, "sha256=")
	if !found || len(digits) != hex.EncodedLen(sha256.Size) {
		return nil, false
	}
	mac, err := hex.DecodeString(digits)
	return mac, err == nil
}

// current reads the file again if it changed. A file that cannot be used leaves the secrets as they were.
func (s *Secrets) current() []hidden.Text {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == "" {
		return s.all
	}
	now := files.StampOf(s.file)
	if now.Same(s.seen) {
		return s.all
	}
	s.seen = now
	all, err := s.read()
	if err != nil {
		s.log.Error("webhook secrets stay as they were", "err", err)
		return s.all
	}
	s.log.Info("webhook secrets read again", "file", s.file, "secrets", len(all))
	s.all = all
	return s.all
}

func (s *Secrets) read() ([]hidden.Text, error) {
	f, err := os.Open(s.file)
	if err != nil {
		return nil, fmt.Errorf("read webhook secrets: %w", err)
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxSecretsFile+1))
	if err == nil && len(text) > maxSecretsFile {
		err = errors.New("more than 64 KB")
	}
	if err != nil {
		return nil, fmt.Errorf("read webhook secrets: %s: %w", s.file, err)
	}
	all, err := s.parse(string(text))
	if err != nil {
		return nil, fmt.Errorf("webhook secrets: %s: %w", s.file, err)
	}
	return all, nil
}

func (s *Secrets) parse(text string) ([]hidden.Text, error) {
	var all []hidden.Text
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		if strings.TrimSpace(line) == "" {
			continue
		}
		if len(line) < shortSecret {
			s.log.Warn("a webhook secret is short: make one with openssl rand -hex 32", "bytes", len(line), "recommended", shortSecret)
		}
		all = append(all, hidden.New(line))
	}
	if len(all) == 0 {
		return nil, errors.New("it holds no secret, and an empty one would let anybody in")
	}
	return all, nil
}
