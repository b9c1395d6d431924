package hosts

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/netip"
	"sync"
)

// FairListener holds the number of connections at once. When all places are taken, who comes takes the place of one of the
// address that has most, and among its own that of one that has not asked for anything yet. So no client keeps another out,
// and least of all who asks after the agent's health.
type FairListener struct {
	net.Listener
	Most int

	mu     sync.Mutex
	next   int // number of the next connection
	places map[*fairConn]int
	counts map[netip.Prefix]int
	left   chan struct{} // closed when no place is taken; nil: nobody waits for that
}

// fairConn is a connection that has a place.
type fairConn struct {
	net.Conn
	listener *FairListener
	client   netip.Prefix
	waiting  bool // no request has come whole, or the last one is answered
}

// NewFairListener gives so many places at most.
func NewFairListener(l net.Listener, most int) *FairListener {
	return &FairListener{Listener: l, Most: most, places: map[*fairConn]int{}, counts: map[netip.Prefix]int{}}
}

// Accept returns the next connection that has a place.
func (l *FairListener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		c := &fairConn{Conn: conn, listener: l, client: ClientOf(conn.RemoteAddr().String()), waiting: true}
		leaving := l.admit(c)
		if leaving != nil {
			_ = leaving.Conn.Close()
		}
		if leaving != c {
			return c, nil
		}
	}
}

// admit gives c a place and returns who has to leave for it: nobody, another, or c itself.
func (l *FairListener) admit(c *fairConn) (leaving *fairConn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.places) >= l.Most {
		if leaving = l.inFavourOf(c.client); leaving == nil {
			return c
		}
		l.remove(leaving)
	}
	l.places[c], l.next = l.next, l.next+1
	l.counts[c.client]++
	return leaving
}

// inFavourOf picks who leaves for a client: the longest waiting of the address that has most places, else its oldest. Where
// the client itself has most, it is one of its own that waits, or nobody.
func (l *FairListener) inFavourOf(client netip.Prefix) *fairConn {
	greedy := client
	for other, n := range l.counts {
		if n > l.counts[greedy] {
			greedy = other
		}
	}
	var waiting, oldest *fairConn
	for c, number := range l.places {
		if c.client != greedy {
			continue
		}
		if c.waiting && (waiting == nil || number < l.places[waiting]) {
			waiting = c
		}
		if oldest == nil || number < l.places[oldest] {
			oldest = c
		}
	}
	if waiting != nil || greedy == client {
		return waiting
	}
	return oldest
}

// remove takes a place back; a second time it does nothing. The caller holds l.mu.
func (l *FairListener) remove(c *fairConn) {
	if _, placed := l.places[c]; !placed {
		return
	}
	delete(l.places, c)
	if len(l.places) == 0 && l.left != nil {
		close(l.left)
		l.left = nil
	}
	if l.counts[c.client]--; l.counts[c.client] == 0 {
		delete(l.counts, c.client)
	}
}

// Empty returns when nobody has a place, or ctx is done. It is called once, when nobody comes any more.
func (l *FairListener) Empty(ctx context.Context) {
	left := make(chan struct{})
	l.mu.Lock()
	if len(l.places) == 0 {
		close(left)
	} else {
		l.left = left
	}
	l.mu.Unlock()
	select {
	case <-left:
	case <-ctx.Done():
	}
}

// Note is the http.Server's ConnState.
func (l *FairListener) Note(conn net.Conn, state http.ConnState) {
	if secured, ok := conn.(*tls.Conn); ok {
		conn = secured.NetConn()
	}
	if c, ok := conn.(*fairConn); ok {
		l.mu.Lock()
		defer l.mu.Unlock()
		c.waiting = state == http.StateNew || state == http.StateIdle
	}
}

// Close gives the place back.
func (c *fairConn) Close() error {
	c.listener.mu.Lock()
	c.listener.remove(c)
	c.listener.mu.Unlock()
	return c.Conn.Close()
}

// ClientOf is who counts as one client, of an address with or without a port: an IPv4 address, or the network of 64 bits
// that each host of IPv6 has for itself.
func ClientOf(address string) netip.Prefix {
	if host, _, err := net.SplitHostPort(address); err == nil {
		address = host
	}
	ip, err := netip.ParseAddr(address)
	if err != nil {
		return netip.Prefix{}
	}
	ip = ip.Unmap().WithZone("")
	bits := 64
	if ip.Is4() {
		bits = 32
	}
	network, _ := ip.Prefix(bits) // of an address of that kind: always good
	return network
}
