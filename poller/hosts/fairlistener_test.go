package hosts

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"testing"
)

// caller is a connection from somewhere.
type caller struct {
	net.Conn
	from   string
	closed bool
}

func (c *caller) RemoteAddr() net.Addr { return address4(c.from) }
func (c *caller) Close() error         { c.closed = true; return nil }

type address4 string

func (address4) Network() string  { return "tcp" }
func (a address4) String() string { return string(a) }

// callers is a listener to whom these come, one after the other.
type callers struct {
	net.Listener
	all []*caller
}

func (l *callers) Accept() (net.Conn, error) {
	if len(l.all) == 0 {
		return nil, io.EOF
	}
	next := l.all[0]
	l.all = l.all[1:]
	return next, nil
}

func TestNobodyKeepsOthersOut(t *testing.T) {
	l := NewFairListener(&callers{}, 10)
	come := func(from string, state http.ConnState) (*caller, bool) {
		t.Helper()
		c := &caller{from: from}
		l.Listener = &callers{all: []*caller{c}}
		conn, err := l.Accept()
		if err != nil {
			want(t, "closed at once", c.closed, true)
			return c, false
		}
		l.Note(conn, state)
		return c, true
	}
	var flood []*caller
	for n := range 12 {
		c, _ := come(fmt.Sprintf("192.0.2.1:%d", n), http.StateNew)
		flood = append(flood, c)
	}
	want(t, "the longest waiting made room", flood[0].closed && flood[1].closed && !flood[2].closed, true)
	for n := range 4 {
		_, in := come(fmt.Sprintf("198.51.100.%d:1", n), http.StateActive)
		want(t, "another client", in, true)
	}
	want(t, "of the flood are left", l.counts[ClientOf("192.0.2.1:1")], 6)

	busy := NewFairListener(&callers{}, 10)
	l = busy
	for n := range 10 {
		come(fmt.Sprintf("192.0.2.1:%d", n), http.StateActive)
	}
	_, in := come("192.0.2.1:11", http.StateNew)
	want(t, "one more of those who have all places at work", in, false)
	_, in = come("203.0.113.1:1", http.StateNew)
	want(t, "another", in, true)

	l = NewFairListener(&callers{}, 4)
	for n := range 8 {
		come(fmt.Sprintf("[2001:db8::%d]:1", n+1), http.StateNew)
	}
	want(t, "clients of one network of IPv6", len(l.counts), 1)
	for c := range l.places {
		_, _ = c.Close(), c.Close()
	}
	want(t, "places after all left", fmt.Sprint(len(l.places), len(l.counts)), "0 0")
}

func want[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}
