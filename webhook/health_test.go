package webhook

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"
)

func TestHealth(t *testing.T) {
	well := TaskHealth{Name: "deploy", Looked: true, LastLook: time.Unix(1, 0), NextLook: time.Unix(61, 0)}
	failing, late, waiting := well, well, TaskHealth{Name: "new"}
	failing.Problem = "connection refused by \x1b[31m\u202eevil"
	late.Late = true
	for name, c := range map[string]struct {
		tasks           []TaskHealth
		healthy, ready  int
		status, readies string
	}{
		"none":    {nil, 200, 200, "ok", "ok"},
		"well":    {[]TaskHealth{well}, 200, 200, "ok", "ok"},
		"failing": {[]TaskHealth{well, failing}, 200, 200, "ok", "ok"},
		"late":    {[]TaskHealth{well, late}, 503, 200, "late", "ok"},
		"waiting": {[]TaskHealth{well, waiting}, 200, 503, "ok", "waiting"},
	} {
		s := &Server{o: Options{Health: func() []TaskHealth { return c.tasks }, Log: quiet()}}
		for path, wants := range map[string]struct {
			code   int
			status string
		}{"/healthz": {c.healthy, c.status}, "/readyz": {c.ready, c.readies}} {
			w := httptest.NewRecorder()
			req := httptest.NewRequest(http.MethodGet, path, nil)
			req.RemoteAddr, req.Host = "127.0.0.1:1", "localhost:8080"
			s.routes().ServeHTTP(w, req)
			var got health
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			want(t, name+" "+path, w.Code, wants.code)
			want(t, name+" "+path, got.Status, wants.status)
			want(t, name+" "+path, len(got.Details), len(c.tasks))
			if strings.ContainsAny(w.Body.String(), "\x1b\u202e") || strings.Contains(w.Body.String(), `\u001b`) {
				t.Errorf("%s: %q", name, w.Body)
			}
		}
	}
}

func TestOnlyLoopbackClientsSeeNames(t *testing.T) {
	proxy := []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}
	for _, c := range []struct {
		peer    string
		proxies []netip.Prefix
		header  http.Header
		names   bool
	}{
		{"127.0.0.1:1", nil, nil, true},
		{"[::1]:1", nil, nil, true},
		{"192.0.2.1:1", nil, nil, false},
		{"127.0.0.1:1", nil, http.Header{"X-Forwarded-For": {"192.0.2.1"}}, false},
		{"127.0.0.1:1", nil, http.Header{"X-Forwarded-For": {"127.0.0.1"}}, false},
		{"127.0.0.1:1", nil, http.Header{"Forwarded": {"for=192.0.2.1"}}, false},
		{"127.0.0.1:1", proxy, http.Header{"X-Forwarded-For": {"192.0.2.1"}}, false},
		{"192.0.2.1:1", proxy, http.Header{"X-Forwarded-For": {"127.0.0.1"}}, false},
		{"127.0.0.1:1", proxy, nil, true},
	} {
		s := &Server{o: Options{
			TrustedProxies: c.proxies, Log: quiet(),
			Health: func() []TaskHealth { return []TaskHealth{{Name: "deploy", Problem: "refused"}} },
		}}
		w := httptest.NewRecorder()
		req := httptest.NewRequest(http.MethodGet, "/healthz", nil)
		req.RemoteAddr, req.Host = c.peer, "127.0.0.1:8080"
		for name, values := range c.header {
			req.Header[name] = values
		}
		s.routes().ServeHTTP(w, req)
		want(t, c.peer, strings.Contains(w.Body.String(), "deploy"), c.names)
		want(t, c.peer, strings.Contains(w.Body.String(), `"failing":1`), true)
	}
}

func TestNamesAreForThoseWhoMeanThisMachine(t *testing.T) {
	s := &Server{o: Options{Log: quiet(), Health: func() []TaskHealth { return []TaskHealth{{Name: "deploy"}} }}}
	for _, c := range []struct {
		host, header string
		minor        int
		names        bool
	}{
		{"localhost", "", 1, true},
		{"LOCALHOST:8080", "", 1, true},
		{"127.0.0.1:8080", "", 1, true},
		{"[::1]:8080", "", 1, true},
		{"[::1]", "", 1, true},
		{"kitops.example.com", "", 1, false}, // a name that a stranger lets point here
		{"kitops.example.com:8080", "", 1, false},
		{"localhost.example.com", "", 1, false},
		{"", "", 1, false},
		{"127.0.0.1:8080", "", 0, false}, // nginx's plain proxy_pass
		{"127.0.0.1:8080", "Via", 1, false},
		{"127.0.0.1:8080", "X-Forwarded-Host", 1, false},
		{"127.0.0.1:8080", "X-Forwarded-Proto", 1, false},
		{"127.0.0.1:8080", "X-Real-IP", 1, false},
		{"127.0.0.1:8080", "CF-Connecting-IP", 1, false},
	} {
		w := httptest.NewRecorder()
		req := httptest.NewRequest(http.MethodGet, "/healthz", nil)
		req.RemoteAddr, req.Host, req.ProtoMinor = "127.0.0.1:1", c.host, c.minor
		if c.header != "" {
			req.Header.Set(c.header, "")
		}
		s.routes().ServeHTTP(w, req)
		want(t, c.host+" "+c.header, strings.Contains(w.Body.String(), "deploy"), c.names)
	}
}

func TestHealthSaysSinceWhenLooksFail(t *testing.T) {
	first, later := time.Unix(1000, 0).UTC(), time.Unix(2000, 0).UTC()
	s := &Server{o: Options{Log: quiet(), Health: func() []TaskHealth {
		return []TaskHealth{
			{Name: "well", Looked: true},
			{Name: "b", Looked: true, Problem: "refused", Failing: later},
			{Name: "a", Looked: true, Problem: "refused", Failing: first},
			{Name: "c", Looked: true, Problem: "refused"},
		}
	}}}
	for peer, names := range map[string]bool{"127.0.0.1:1": true, "192.0.2.1:1": false} {
		w := httptest.NewRecorder()
		req := httptest.NewRequest(http.MethodGet, "/healthz", nil)
		req.RemoteAddr, req.Host = peer, "localhost"
		s.routes().ServeHTTP(w, req)
		var got health
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		want(t, "code", w.Code, 200)
		want(t, "failing", got.Failing, 3)
		want(t, "since", got.Since, first)
		want(t, "names", len(got.Details) == 4, names)
		if names {
			want(t, "since when b fails", got.Details[1].Failing, later)
		}
	}
}
