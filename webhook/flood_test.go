package webhook

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/hosts"
)

// Half-open connections take every place, and whoever asks after the agent's health is answered.
func TestHealthIsAnsweredWhateverIsHalfOpen(t *testing.T) {
	s := open(t, func(s *Server) { s.listener.Most = 50 })
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
	slow, other := hosts.ClientOf("192.0.2.1:1"), hosts.ClientOf("192.0.2.2:1")
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
