package apptest

import (
	"context"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"testing"
)

// Front is a network between a client and a server on this host, such as a router that forgets connections. It knows
// nothing of what passes.
type Front struct {
	Addr string // where the client finds the server

	to       string
	listener net.Listener
	passing  sync.WaitGroup

	mu          sync.Mutex
	connections map[*passage]struct{}
	made        int
}

// passage is one connection through the front.
type passage struct {
	client, server net.Conn
	silent         atomic.Bool
}

// NewFront starts a front before the server at that address, which ends with the test.
func NewFront(tb testing.TB, to string) *Front {
	tb.Helper()
	listener, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		tb.Fatal(err)
	}
	f := &Front{Addr: listener.Addr().String(), to: to, listener: listener, connections: map[*passage]struct{}{}}
	f.passing.Go(f.accept)
	tb.Cleanup(f.close)
	return f
}

// Silence lets nothing more through on the connections there are, without a word to either side. New ones work. It returns
// how many fell silent.
func (f *Front) Silence() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	for p := range f.connections {
		p.silent.Store(true)
	}
	return len(f.connections)
}

// Connections is how many were made so far.
func (f *Front) Connections() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.made
}

func (f *Front) accept() {
	for {
		client, err := f.listener.Accept()
		if err != nil {
			return
		}
		server, err := new(net.Dialer).DialContext(context.Background(), "tcp", f.to)
		if err != nil {
			_ = client.Close()
			continue
		}
		p := &passage{client: client, server: server}
		f.mu.Lock()
		f.connections[p] = struct{}{}
		f.made++
		f.mu.Unlock()
		f.passing.Go(func() { f.pass(p) })
	}
}

// pass copies both ways until one side ends.
func (f *Front) pass(p *passage) {
	var ways sync.WaitGroup
	ways.Go(func() { p.copy(p.server, p.client) })
	ways.Go(func() { p.copy(p.client, p.server) })
	ways.Wait()
	f.mu.Lock()
	delete(f.connections, p)
	f.mu.Unlock()
}

// copy swallows what comes after the front fell silent.
func (p *passage) copy(to io.Writer, from io.Reader) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 && !p.silent.Load() {
			if _, failed := to.Write(buffer[:n]); failed != nil {
				err = failed
			}
		}
		if err == nil {
			continue
		}
		if !p.silent.Load() {
			_, _ = p.client.Close(), p.server.Close()
		}
		return
	}
}

func (f *Front) close() {
	_ = f.listener.Close()
	f.mu.Lock()
	for p := range f.connections {
		_, _ = p.client.Close(), p.server.Close()
	}
	f.mu.Unlock()
	f.passing.Wait()
}
