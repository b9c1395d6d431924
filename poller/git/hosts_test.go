package git

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/refs"
)

// TestPollsOfOneHost come a few at a time, however many tasks there are.
func TestPollsOfOneHost(t *testing.T) {
	r := gittest.New(t)
	r.Commit(map[string]string{"a": "1"})
	backend := gittest.HTTPHandler(t, filepath.Dir(r.Dir), gittest.HTTPOptions{})
	var now, most, connections atomic.Int32
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		n := now.Add(1)
		defer now.Add(-1)
		for m := most.Load(); n > m && !most.CompareAndSwap(m, n); m = most.Load() {
		}
		backend.ServeHTTP(w, req)
	}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	first := mirrorOf(t, server.URL+"/repo.git")
	hosts := &Hosts{}
	var wait sync.WaitGroup
	for range 40 {
		m := &Mirror{URL: first.URL, Dir: filepath.Join(t.TempDir(), "mirror"), Transport: first.Transport, Hosts: hosts}
		wait.Go(func() {
			if _, err := m.Heads(gittest.Generous(t), refs.Patterns{"HEAD"}); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if most.Load() > 8 || connections.Load() > 16 {
		t.Errorf("%d at a time over %d connections", most.Load(), connections.Load())
	}
}

// TestConnectionsToOneSSHHost has a server that never lets anybody in: no more
// wait there than it bears, and the others leave with their context.
func TestConnectionsToOneSSHHost(t *testing.T) {
	home := t.TempDir()
	gittest.WriteKey(t, filepath.Join(home, ".ssh", "id_ed25519"))
	var connected atomic.Int32
	addr, reached := silent(t, func(net.Conn) { connected.Add(1) })
	hosts := &Hosts{}
	ctx, cancel := context.WithCancel(gittest.Generous(t))
	defer cancel()
	var wait sync.WaitGroup
	for range 20 {
		m := mirrorOf(t, "ssh://git@"+addr+"/x")
		m.Home, m.Hosts = home, hosts
		wait.Go(func() {
			if _, err := m.Heads(ctx, refs.Patterns{"HEAD"}); err == nil {
				t.Error("no error")
			}
		})
	}
	for range 4 {
		<-reached
	}
	cancel()
	wait.Wait()
	if n := connected.Load(); n > 4 {
		t.Errorf("%d connections", n)
	}
}
