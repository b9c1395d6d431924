package poller

import (
	"context"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"

	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/hosts"
)

const (
	hostPolls = 8 // of one host at a time
	// sshPolls is less: OpenSSH refuses some of more than ten connections that have
	// yet to authenticate (MaxStartups in sshd_config(5)), and others dial, too.
	sshPolls = 4
)

// hostGate bounds the polls of each host.
type hostGate struct {
	mu    sync.Mutex
	hosts map[string]*semaphore.Weighted
}

// of is the gate of a host, nil for a repository on this machine.
func (g *hostGate) of(url string) *semaphore.Weighted {
	host := hosts.Of(url)
	if host == "" || strings.HasPrefix(url, "file:") {
		return nil
	}
	polls := int64(hostPolls)
	if scheme, _, found := strings.Cut(url, "://"); !found || strings.Contains(scheme, "ssh") {
		host, polls = "ssh "+host, sshPolls
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.hosts == nil {
		g.hosts = map[string]*semaphore.Weighted{}
	}
	if g.hosts[host] == nil {
		g.hosts[host] = semaphore.NewWeighted(polls)
	}
	return g.hosts[host]
}

// heads polls the remote: a minute at most, once the host has room for it.
func (w *watch) heads(ctx context.Context) ([]git.Revision, error) {
	gate := w.p.gate.of(w.task.URL)
	if gate != nil {
		if !gate.TryAcquire(1) {
			w.expect(time.Time{}) // nobody knows how long others take
			if err := gate.Acquire(ctx, 1); err != nil {
				return nil, err
			}
		}
		defer gate.Release(1)
	}
	limit := min(maxLook, w.task.Timeout)
	w.expect(time.Now().Add(limit))
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	heads, err := w.task.Heads(limited, w.task.Refs)
	if err != nil && limited.Err() != nil && ctx.Err() == nil {
		return nil, unanswered(w.task.URL, limit, err)
	}
	return heads, err
}
