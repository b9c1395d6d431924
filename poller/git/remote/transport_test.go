package remote

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bittrance/kitops/poller/git/address"
)

// silencedConn passes bytes until it is silenced; then what is written to it is
// lost and nothing comes back, as behind a NAT that forgot it.
type silencedConn struct {
	net.Conn
	silent *atomic.Bool
	mine   bool
}

func (c *silencedConn) Write(p []byte) (int, error) {
	if c.mine && c.silent.Load() {
		return len(p), nil
	}
	return c.Conn.Write(p)
}

// TestSilentConnection has the only connection of http/2 die without a word:
// the request that finds out is answered, over another one.
func TestSilentConnection(t *testing.T) {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/x-git-upload-pack-result")
		_, _ = io.WriteString(w, flush)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	t.Cleanup(server.Close)
	url, err := address.ParseURL(server.URL + "/repo.git")
	if err != nil {
		t.Fatal(err)
	}
	transport := newTransport(50*time.Millisecond, 50*time.Millisecond, nil)
	t.Cleanup(transport.CloseIdleConnections)
	transport.TLSClientConfig = server.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	var silent atomic.Bool
	var dialled atomic.Int32
	dial := transport.DialContext
	transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
		conn, err := dial(ctx, network, addr)
		return &silencedConn{conn, &silent, dialled.Add(1) == 1}, err
	}
	m := &Access{URL: url, Transport: transport, Memory: &Memory{}}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	look := func() {
		t.Helper()
		if err := m.Converse(ctx, func(r *Remote) error { _, err := r.List(ctx, nil); return err }); err != nil {
			t.Error(err)
		}
	}
	look()
	silent.Store(true)
	look()
	if dialled.Load() != 2 {
		t.Errorf("%d connections", dialled.Load())
	}
}
