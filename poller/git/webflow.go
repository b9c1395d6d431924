package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/bittrance/kitops/poller/files"
	"github.com/bittrance/kitops/poller/git/address"
	"github.com/bittrance/kitops/poller/git/signature"
)

const (
	webFlowDaily    = 24 * time.Hour   // how old the key may be
	webFlowPause    = time.Minute      // between two requests for it
	webFlowPatience = 30 * time.Second // for one
	maxWebFlow      = 1 << 20          // bytes
)

// WebFlow is the key by which a GitHub signs what is committed on its web pages, merges among them, and by Apps through its
// API. It is read from the web host itself, anew each day. Safe for concurrent use; its fields are set once.
type WebFlow struct {
	URL       string            // see WebFlowURL
	File      string            // where it is kept, in a directory of kitops' own; "": in memory alone
	Transport http.RoundTripper // nil: http.DefaultTransport
	Agent     string            // what kitops calls itself
	Log       *slog.Logger      // for what is put right without an error; nil: nowhere

	asking mutex // held by who asks for it; guards tried, failed
	tried  time.Time
	failed error

	mu   sync.Mutex
	key  []byte
	read time.Time
}

// WebFlowURL is where the GitHub that has a repository publishes its key: https://github.com/web-flow.gpg. It is "" for a
// repository on this host's disk. Plain http is for GitHubs on this machine.
func WebFlowURL(repository address.URL) string {
	if repository.Local() {
		return ""
	}
	if repository.Scheme == "http" && !repository.Loopback() || repository.SSH() {
		repository.Scheme, repository.Port = "https", ""
	}
	if strings.EqualFold(repository.Host, "ssh.github.com") {
		repository.Host = "github.com"
	}
	return repository.Origin() + "/web-flow.gpg"
}

// known is the key as it was read last, and when.
func (w *WebFlow) known() (key []byte, read time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.key != nil || w.File == "" {
		return w.key, w.read
	}
	info, err := os.Lstat(w.File)
	if err != nil {
		return nil, time.Time{}
	}
	kept, err := files.ReadRegular(w.File, maxWebFlow)
	if err == nil && new(signature.Keys).AddWebFlow(kept) == nil {
		w.key, w.read = kept, info.ModTime()
	}
	return w.key, w.read
}

// have makes sure that there is a key, and that it is of today where it can be had.
func (w *WebFlow) have(ctx context.Context) error {
	err := w.since(ctx, webFlowDaily)
	key, read := w.known()
	if err == nil || key == nil || ctx.Err() != nil {
		return err
	}
	if w.Log != nil {
		w.Log.WarnContext(ctx, "GitHub's key is not read anew: the former one counts on", "of", read.UTC().Format(time.DateOnly), "err", err)
	}
	return nil
}

// since makes sure that the key was read within a time.
func (w *WebFlow) since(ctx context.Context, age time.Duration) error {
	if err := w.asking.lock(ctx); err != nil {
		return err
	}
	defer w.asking.unlock()
	if _, read := w.known(); young(read, age) {
		return nil
	}
	if w.failed != nil && young(w.tried, webFlowPause) {
		return w.failed
	}
	err := w.ask(ctx)
	if err != nil {
		err = fmt.Errorf("read the key of GitHub's web pages, %s: %w", w.URL, err)
	}
	if ctx.Err() == nil {
		w.tried, w.failed = time.Now(), err
	}
	return err
}

// young tells whether something was within a time. A clock that was set back makes nothing young.
func young(at time.Time, age time.Duration) bool {
	since := time.Since(at)
	return since >= 0 && since < age
}

// ask reads the key from the web host and keeps it.
func (w *WebFlow) ask(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, webFlowPatience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.URL, nil)
	if err != nil {
		return err
	}
	if w.Agent != "" {
		req.Header.Set("User-Agent", w.Agent)
	}
	client := http.Client{Transport: w.Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(req)
	if err != nil {
		return plainly(err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("the answer is %s", res.Status)
	}
	key, err := io.ReadAll(io.LimitReader(res.Body, maxWebFlow+1))
	switch {
	case err != nil:
		return err
	case len(key) > maxWebFlow:
		return fmt.Errorf("the answer is longer than %d bytes", maxWebFlow)
	}
	if err := new(signature.Keys).AddWebFlow(key); err != nil {
		return fmt.Errorf("the answer is no OpenPGP key: %w", err)
	}
	if w.File != "" {
		if err := errors.Join(os.MkdirAll(filepath.Dir(w.File), 0o700), files.Replace(w.File, key, 0o600)); err != nil {
			return fmt.Errorf("keep it: %w", err)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.key, w.read = key, time.Now()
	return nil
}

// plainly is an error of a client without the address, which is said already.
func plainly(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		return wrapped.Err
	}
	return err
}
