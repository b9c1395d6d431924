package main

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strconv"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git"
)

// wiring makes tasks out of settings. What tasks share, it holds.
type wiring struct {
	dir       string // of the mirrors
	log       *slog.Logger
	maxSize   git.Size
	transport http.RoundTripper // one, so that connections are kept between looks
	sshAgent  string
	home      string
	mirrors   map[mirrorKey]*git.Mirror // of all tasks there ever were: their directories stay as well
}

// mirrorKey tells mirrors apart. Tasks that have it in common share one, and
// with it connections, looks and what was fetched.
type mirrorKey struct {
	url        git.URL
	sshKeyFile string
}

func (p program) wiring(repoDir string, cfg git.Config, log *slog.Logger) *wiring {
	home, _ := os.UserHomeDir() // without one there is no ~/.ssh
	return &wiring{
		dir:       filepath.Join(repoDir, mirrorsDir),
		log:       log,
		maxSize:   cfg.MaxSize,
		transport: git.NewTransport(),
		sshAgent:  os.Getenv("SSH_AUTH_SOCK"),
		home:      home,
		mirrors:   map[mirrorKey]*git.Mirror{},
	}
}

func (w *wiring) make(s settings) []poller.Task {
	tasks := make([]poller.Task, len(s.Tasks))
	for i, t := range s.Tasks {
		mirror := w.mirror(t)
		tasks[i] = poller.Task{
			Name: t.Name, URL: t.URL.String(), Refs: t.Refs, RunNew: t.RunNew,
			Interval: t.Interval, Timeout: t.Timeout,
			Heads: mirror.Heads, Checkout: mirror.Checkout,
			Plan:   func(string, git.Revision) ([]actions.Action, error) { return t.Actions, nil },
			Digest: t.Digest,
		}
	}
	return tasks
}

func (w *wiring) mirror(t taskSettings) *git.Mirror {
	key := mirrorKey{t.URL, t.SSHKeyFile}
	if known, ok := w.mirrors[key]; ok {
		return known
	}
	sum := sha256.Sum256([]byte(t.URL.String() + "\x00" + t.SSHKeyFile))
	m := &git.Mirror{
		URL: t.URL, Dir: filepath.Join(w.dir, hex.EncodeToString(sum[:8])+w.ordinal(key)),
		Transport: w.transport, SSHKeyFile: t.SSHKeyFile, SSHAgent: w.sshAgent, Home: w.home,
		MaxSize: w.maxSize, Log: w.log,
	}
	w.mirrors[key] = m
	return m
}

// ordinal tells apart what differs in credentials only, which no name shows.
func (w *wiring) ordinal(key mirrorKey) string {
	n := 0
	for other := range w.mirrors {
		if other.url.String() == key.url.String() && other.sshKeyFile == key.sshKeyFile {
			n++
		}
	}
	if n == 0 {
		return ""
	}
	return "-" + strconv.Itoa(n)
}

// sweep removes the mirrors of tasks that are no more.
func (w *wiring) sweep() error {
	found, err := os.ReadDir(w.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	used := map[string]bool{}
	for _, m := range w.mirrors {
		used[filepath.Base(m.Dir)] = true
	}
	for _, entry := range found {
		if !used[entry.Name()] {
			err = errors.Join(err, os.RemoveAll(filepath.Join(w.dir, entry.Name())))
		}
	}
	return err
}
