package metrics

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller"
)

// serve answers at an address until the test ends.
func serve(t *testing.T, address string) (base, log string) {
	t.Helper()
	var said bytes.Buffer
	s, err := Listen(t.Context(), address, slog.New(slog.NewTextHandler(&said, nil)))
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t)
	w.tasks["shop"] = poller.Snapshot{}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- s.Run(ctx, w.m, slog.New(slog.DiscardHandler)) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	_, port, err := net.SplitHostPort(s.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	return "http://127.0.0.1:" + port, said.String()
}

func ask(t *testing.T, method, url, host string) (int, http.Header, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Host = host
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer.StatusCode, answer.Header, string(body)
}

func TestMetricsAreForThisMachine(t *testing.T) {
	t.Parallel()
	base, log := serve(t, "127.0.0.1:0")
	if strings.Contains(log, "WARN") {
		t.Errorf("a warning on loopback: %s", log)
	}
	for _, test := range []struct {
		method, path, host string
		want               int
	}{
		{http.MethodGet, "/metrics", "", http.StatusOK},
		{http.MethodGet, "/metrics", "localhost:9464", http.StatusOK},
		{http.MethodGet, "/metrics", "[::1]", http.StatusOK},
		{http.MethodGet, "/metrics", "evil.example", http.StatusMisdirectedRequest}, // DNS rebinding
		{http.MethodGet, "/metrics", "evil.example:80", http.StatusMisdirectedRequest},
		{http.MethodGet, "/metrics", "10.0.0.1", http.StatusMisdirectedRequest},
		{http.MethodPost, "/metrics", "", http.StatusMethodNotAllowed},
		{http.MethodGet, "/", "", http.StatusNotFound},
		{http.MethodGet, "/debug/pprof/", "", http.StatusNotFound},
	} {
		status, header, body := ask(t, test.method, base+test.path, test.host)
		if status != test.want {
			t.Errorf("%s %s of %q is answered %d, want %d", test.method, test.path, test.host, status, test.want)
		}
		if told := strings.Contains(body, "kitops_"); told != (status == http.StatusOK) {
			t.Errorf("%s %s of %q: %s", test.method, test.path, test.host, body)
		}
		if status == http.StatusOK && header.Get("Content-Type") != contentType {
			t.Errorf("content type %q", header.Get("Content-Type"))
		}
	}
}

func TestMetricsBeyondThisMachineAreOneWarning(t *testing.T) {
	t.Parallel()
	base, log := serve(t, ":0")
	if strings.Count(log, "WARN") != 1 || !strings.Contains(log, "the metrics name tasks, refs and commits") {
		t.Errorf("said %s", log)
	}
	if status, _, _ := ask(t, http.MethodGet, base+"/metrics", "kitops.internal:9464"); status != http.StatusOK {
		t.Errorf("a scrape by name is answered %d", status)
	}
}

func TestScrapesAtOnceAreBounded(t *testing.T) {
	t.Parallel()
	s := &Server{scrapes: make(chan struct{}, maxScrapes)}
	handler := s.handler(newWorld(t).m)
	scrape := func() int {
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
		return answer.Code
	}
	for range maxScrapes {
		s.scrapes <- struct{}{}
	}
	if got := scrape(); got != http.StatusServiceUnavailable {
		t.Errorf("one too many is answered %d", got)
	}
	<-s.scrapes
	if got := scrape(); got != http.StatusOK {
		t.Errorf("the next is answered %d", got)
	}
}
