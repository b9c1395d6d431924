package git

import (
	"context"
	"net"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/refs"
)

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
