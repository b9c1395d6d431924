package webhook

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
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
	l := newFairListener(&callers{}, 10)
	come := func(from string, state http.ConnState) (*caller, bool) {
		t.Helper()
		c := &caller{from: from}
		l.Listener = &callers{all: []*caller{c}}
		conn, err := l.Accept()
		if err != nil {
			want(t, "closed at once", c.closed, true)
			return c, false
		}
		l.note(conn, state)
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
	want(t, "of the flood are left", l.counts[clientOf("192.0.2.1:1")], 6)

	busy := newFairListener(&callers{}, 10)
	l = busy
	for n := range 10 {
		come(fmt.Sprintf("192.0.2.1:%d", n), http.StateActive)
	}
	_, in := come("192.0.2.1:11", http.StateNew)
	want(t, "one more of those who have all places at work", in, false)
	_, in = come("203.0.113.1:1", http.StateNew)
	want(t, "another", in, true)

	l = newFairListener(&callers{}, 4)
	for n := range 8 {
		come(fmt.Sprintf("[2001:db8::%d]:1", n+1), http.StateNew)
	}
	want(t, "clients of one network of IPv6", len(l.counts), 1)
	for c := range l.places {
		_, _ = c.Close(), c.Close()
	}
	want(t, "places after all left", fmt.Sprint(len(l.places), len(l.counts)), "0 0")
}

// Half-open connections take every place, and whoever asks after the agent's health is answered.
func TestHealthIsAnsweredWhateverIsHalfOpen(t *testing.T) {
	s := open(t, func(s *Server) { s.listener.most = 50 })
	for n := range 200 {
		conn, err := new(net.Dialer).DialContext(t.Context(), "tcp", s.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = conn.Close() }()
		if n%2 == 0 {
			_, _ = io.WriteString(conn, "POST /webhook HTTP/1.1\r\nHost: x\r\nX-Slow: ")
		}
	}
	status, _, _ := s.ask(t, s.request(t, "", func(r *http.Request) { r.Method, r.URL.Path = http.MethodGet, "/healthz" }))
	want(t, "health", status, 200)
	status, _, _ = s.ask(t, s.request(t, pushJSON, nil))
	want(t, "webhook", status, 202)
}

// Slow bodies of one client leave room for another's.
func TestSlowBodiesOfOneClientAreNotInAnothersWay(t *testing.T) {
	in := intake{limit: maxInFlight}
	slow, other := clientOf("192.0.2.1:1"), clientOf("192.0.2.2:1")
	var releases []func()
	refused := 0
	for range 70 {
		body := strings.NewReader(strings.Repeat("x", 1<<20-1))
		_, release, err := in.read(slow, body, 1<<20-1)
		if releases = append(releases, release); err != nil {
			want(t, "why", err, errFull)
			refused++
		}
	}
	want(t, "refused", refused, 70-32)
	_, release, err := in.read(other, strings.NewReader(pushJSON), int64(len(pushJSON)))
	want(t, "another's", err, nil)
	release()
	for _, release := range releases {
		release()
	}
	want(t, "bytes in flight", in.taken.Load(), 0)
	want(t, "clients", len(in.clients), 0)
	for n := range maxAtOnce + 1 {
		want(t, fmt.Sprint("small body ", n), in.begin(slow), n < maxAtOnce)
	}
}
