//go:build linux

package main

import (
	"io"
	"net"
	"sync"
	"time"
)

// weather is what a proxy does to connections.
type weather int

const (
	fair    weather = iota
	refused         // they are closed
	silent          // nothing passes
	unheard         // requests pass, answers do not
	late            // requests pass when the weather is fair again, answers never
	slow            // all passes after some seconds
)

func (w weather) String() string {
	return []string{"fair", "refused", "silent", "unheard", "late", "slow"}[w]
}

// proxy stands between one member and the store.
type proxy struct {
	to       string
	listener net.Listener
	delay    time.Duration // of slow

	mu      sync.Mutex
	weather weather
	since   time.Time     // of the weather
	changed chan struct{} // closed and replaced when it changes
	open    map[net.Conn]struct{}
	all     sync.WaitGroup
}

func newProxy(to string, delay time.Duration) (*proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // loopback
	if err != nil {
		return nil, err
	}
	p := &proxy{to: to, listener: listener, delay: delay, changed: make(chan struct{}), open: map[net.Conn]struct{}{}}
	p.all.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			p.all.Go(func() { p.serve(conn) })
		}
	})
	return p, nil
}

func (p *proxy) address() string { return p.listener.Addr().String() }

// turn changes the weather, for connections that are open, too.
func (p *proxy) turn(w weather) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.weather, p.since = w, time.Now()
	close(p.changed)
	p.changed = make(chan struct{})
	if w == refused {
		for conn := range p.open {
			_ = conn.Close()
		}
	}
}

// foul tells whether a start may fail: the weather is not fair, or has not been for long.
func (p *proxy) foul() bool {
	const start = 40 * time.Second // of which the trial of the store has 15
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.weather != fair || time.Since(p.since) < start && !p.since.IsZero()
}

func (p *proxy) now() (weather, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.weather, p.changed
}

func (p *proxy) close() {
	_ = p.listener.Close()
	p.turn(refused)
	p.all.Wait()
}

func (p *proxy) serve(client net.Conn) {
	defer p.track(client)()
	if w, _ := p.now(); w == refused {
		return
	}
	server, err := net.Dial("tcp", p.to) //nolint:noctx // loopback
	if err != nil {
		return
	}
	defer p.track(server)()
	var both sync.WaitGroup
	both.Go(func() { p.carry(server, client, true); _ = server.Close() })
	both.Go(func() { p.carry(client, server, false); _ = client.Close() })
	both.Wait()
}

// track has a connection end with the proxy.
func (p *proxy) track(conn net.Conn) (done func()) {
	p.mu.Lock()
	p.open[conn] = struct{}{}
	p.mu.Unlock()
	return func() {
		_ = conn.Close()
		p.mu.Lock()
		delete(p.open, conn)
		p.mu.Unlock()
	}
}

// carry copies what is a request, or an answer, as the weather lets it. What has lost something passes nothing any more.
func (p *proxy) carry(to io.Writer, from io.Reader, request bool) {
	buffer, whole := make([]byte, 32<<10), true
	for {
		n, err := from.Read(buffer)
		if n > 0 && whole {
			whole = p.lets(request)
		}
		if n > 0 && whole {
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// lets waits until something may pass, or tells that it never does.
func (p *proxy) lets(request bool) bool {
	w, changed := p.now()
	switch w {
	case silent, refused:
		return false
	case unheard:
		return request
	case late:
		if request {
			<-changed
		}
		return request
	case slow:
		timer := time.NewTimer(p.delay)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-changed:
		}
	}
	return true
}
