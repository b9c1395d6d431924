package webhook

import (
	"context"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
)

// site is a server under test with what it handed on.
type site struct {
	*Server
	events chan Event
	log    *logbook
	url    string
}

// open runs a server until the test ends.
func open(t *testing.T, change func(*Server)) *site {
	t.Helper()
	s := &site{events: make(chan Event, 100), log: &logbook{}}
	server, err := Listen(t.Context(), Options{
		Addr: "127.0.0.1:0", Secrets: newSecrets(t), Seen: NewSeen(),
		Handle: func(e Event) { s.events <- e },
		Health: func() []TaskHealth { return nil },
		Log:    s.log.logger(),
	})
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(server)
	}
	s.Server, s.url = server, "http://"+server.Addr().String()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx) }()
	t.Cleanup(func() {
		http.DefaultClient.CloseIdleConnections()
		cancel()
		if err := receive(t, "end of the server", done); err != nil {
			t.Error(err)
		}
	})
	return s
}

// request makes a signed push that change may spoil.
func (s *site) request(t *testing.T, body string, change func(*http.Request)) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.url+"/webhook", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("X-GitHub-Event", "push")
	req.Header.Set("X-GitHub-Delivery", "a-guid")
	req.Header.Set(signatureHeader, sign(secret, body))
	if change != nil {
		change(req)
	}
	return req
}

func (s *site) ask(t *testing.T, req *http.Request) (int, string, http.Header) {
	t.Helper()
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body), resp.Header
}

func TestAnswerDoesNotWaitForWork(t *testing.T) {
	release := make(chan struct{})
	handled := make(chan Event, 10)
	s := open(t, func(s *Server) {
		s.o.Handle = func(e Event) { <-release; handled <- e }
	})
	for range 3 {
		status, _, _ := s.ask(t, s.request(t, pushJSON, nil))
		want(t, "status", status, 202)
	}
	want(t, "handled before they were let", len(handled), 0)
	close(release)
	for range 3 {
		receive(t, "event", handled)
	}
}

func TestFullQueueSaysSo(t *testing.T) {
	release := make(chan struct{})
	busy := make(chan struct{}, 10)
	s := open(t, func(s *Server) {
		s.queue = make(chan Event, 1)
		s.o.Handle = func(Event) { busy <- struct{}{}; <-release }
	})
	want(t, "first", status(s.ask(t, s.request(t, pushJSON, nil))), 202)
	receive(t, "handler", busy)
	want(t, "second", status(s.ask(t, s.request(t, pushJSON, nil))), 202)
	want(t, "third", status(s.ask(t, s.request(t, pushJSON, nil))), 503)
	close(release)
}

func status(status int, _ string, _ http.Header) int { return status }

func TestPanicIsSurvived(t *testing.T) {
	s := open(t, func(s *Server) { s.o.Health = func() []TaskHealth { panic("oops") } })
	get := func(r *http.Request) { r.Method, r.URL.Path = http.MethodGet, "/healthz" }
	code, text, _ := s.ask(t, s.request(t, "", get))
	want(t, "status", code, 500)
	want(t, "text", strings.Contains(text, "oops"), false)
	want(t, "log", strings.Contains(s.log.String(), "oops"), true)
	want(t, "afterwards", status(s.ask(t, s.request(t, pushJSON, nil))), 202)
}

func TestShutdownHandsOnWhatWasAccepted(t *testing.T) {
	release := make(chan struct{})
	var handled []Event
	server, err := Listen(t.Context(), Options{
		Addr: "127.0.0.1:0", Secrets: newSecrets(t), Health: func() []TaskHealth { return nil }, Log: quiet(),
		Handle: func(e Event) { <-release; handled = append(handled, e) },
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- server.Run(ctx) }()
	s := &site{Server: server, url: "http://" + server.Addr().String()}
	for range 5 {
		want(t, "status", status(s.ask(t, s.request(t, pushJSON, nil))), 202)
	}
	http.DefaultClient.CloseIdleConnections()
	cancel()
	close(release)
	want(t, "end", receive(t, "end", done), nil)
	want(t, "handled", len(handled), 5)
	if _, err := http.DefaultClient.Do(s.request(t, pushJSON, nil)); err == nil {
		t.Error("it still answers")
	}
}

func TestPortInUse(t *testing.T) {
	s := open(t, nil)
	_, err := Listen(t.Context(), Options{Addr: s.Addr().String(), Log: quiet()})
	if err == nil || !strings.Contains(err.Error(), s.Addr().String()) {
		t.Errorf("%v", err)
	}
}

func TestClientAddress(t *testing.T) {
	trusted, err := ParseProxies([]string{"10.0.0.0/8", " 192.0.2.7 ", "2001:db8::/32"})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		proxies             []netip.Prefix
		peer, header, wants string
	}{
		{nil, "10.0.0.1:1", "203.0.113.9", "10.0.0.1"},
		{trusted, "10.0.0.1:1", "203.0.113.9", "203.0.113.9"},
		{trusted, "10.0.0.1:1", "127.0.0.1, 203.0.113.9, 192.0.2.7", "203.0.113.9"},
		{trusted, "203.0.113.1:1", "127.0.0.1", "203.0.113.1"},
		{trusted, "127.0.0.1:1", "203.0.113.9", "127.0.0.1"},
		{trusted, "[2001:db8::1]:1", "203.0.113.9", "203.0.113.9"},
		{trusted, "10.0.0.1:1", "nonsense", "10.0.0.1"},
	} {
		req := &http.Request{RemoteAddr: c.peer, Header: http.Header{"X-Forwarded-For": {c.header}}}
		want(t, c.peer+" for "+c.header, ClientAddress(c.proxies)(req), c.wants)
	}
	for _, wrong := range []string{"", "10.0.0.0/33", "proxy.example.com", "fe80::1%eth0"} {
		if _, err := ParseProxies([]string{wrong}); err == nil {
			t.Errorf("%q is taken for a network", wrong)
		}
	}
}
