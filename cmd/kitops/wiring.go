package main

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"os"
	"path/filepath"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git"
)

// wiring makes tasks out of settings. What tasks share, it holds.
type wiring struct {
	mirrors   string
	transport http.RoundTripper // one, so that connections are kept between looks
	sshAgent  string
	home      string
}

func (p program) wiring(repoDir string) *wiring {
	home, _ := os.UserHomeDir() // without one there is no ~/.ssh
	return &wiring{
		mirrors:   filepath.Join(repoDir, mirrorsDir),
		transport: git.NewTransport(),
		sshAgent:  os.Getenv("SSH_AUTH_SOCK"),
		home:      home,
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
	sum := sha256.Sum256([]byte(t.URL.String() + "\x00" + t.SSHKeyFile))
	return &git.Mirror{
		URL: t.URL, Dir: filepath.Join(w.mirrors, hex.EncodeToString(sum[:8])),
		Transport: w.transport, SSHKeyFile: t.SSHKeyFile, SSHAgent: w.sshAgent, Home: w.home,
	}
}
