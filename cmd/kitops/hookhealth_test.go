//go:build unix

package main

import (
	"net/http"
	"slices"
	"testing"

	"github.com/bittrance/kitops/app/apptest"
)

// TestHealthWithoutASecret also takes the agent through its states.
func TestHealthWithoutASecret(t *testing.T) {
	s := newHookScene(t)
	silence := s.Inject(looksAtMain, 0, apptest.Hang())
	defer silence.Lift() // else GitHub would not close
	s.serve(slices.Concat(s.tasks(watchShop), []string{"--listen", "127.0.0.1:0"})...)
	s.agent.says("no webhook secret: the HTTP server tells of kitops' health only", 1)

	status, h := s.ask("/readyz")
	if status != http.StatusServiceUnavailable || h.Status != "waiting" || h.Waiting != 1 || h.Tasks != 1 {
		t.Errorf("before the first look: %d %+v", status, h)
	}
	if status, h = s.ask("/healthz"); status != http.StatusOK || h.Status != "ok" {
		t.Errorf("while it looks: %d %+v", status, h)
	}
	silence.Lift()
	s.await("the first look", func() bool { status, _ := s.ask("/readyz"); return status == http.StatusOK })
	if status, h = s.ask("/healthz"); status != http.StatusOK || len(h.Details) != 1 || h.Details[0].Name != "shop" {
		t.Errorf("after it: %d %+v", status, h)
	}
	_, d := s.push()
	s.wantStatus(d, http.StatusNotFound)
	s.agent.stop()
}

func TestFailingRemoteIsNoReasonToRestart(t *testing.T) {
	s := newHookScene(t)
	s.shop.Delete()
	s.serve(slices.Concat(s.tasks(watchShop), s.listening())...)
	s.await("a look that failed", func() bool { status, _ := s.ask("/readyz"); return status == http.StatusOK })
	status, h := s.ask("/healthz")
	if status != http.StatusOK || h.Failing != 1 || len(h.Details) != 1 {
		t.Fatalf("%d %+v", status, h)
	}
	wantWords(t, h.Details[0].Problem, "acme/shop")
	s.agent.stop()
}

// TestNamesAreForThisMachine asks through proxies, trusted and not.
func TestNamesAreForThisMachine(t *testing.T) {
	t.Parallel()
	const from = "X-Forwarded-For"
	for name, c := range map[string]struct {
		flags  []string
		header []string
		names  bool
	}{
		"direct":                        {nil, nil, true},
		"by a proxy":                    {nil, []string{from, "127.0.0.1"}, false},
		"by another kind of proxy":      {nil, []string{"Forwarded", "for=127.0.0.1"}, false},
		"by a trusted proxy":            {[]string{"--trusted-proxy", "127.0.0.0/8"}, []string{from, "203.0.113.9"}, false},
		"by a trusted proxy that is us": {[]string{"--trusted-proxy", "127.0.0.1"}, nil, true},
		"pretended to a trusted proxy":  {[]string{"--trusted-proxy", "127.0.0.1"}, []string{from, "127.0.0.1, 203.0.113.9"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := newHookScene(t)
			s.serve(slices.Concat(s.tasks(watchShop), s.listening(), c.flags)...)
			status, h := s.ask("/healthz", c.header...)
			if status != http.StatusOK || h.Tasks != 1 || (len(h.Details) > 0) != c.names {
				t.Errorf("%d %+v", status, h)
			}
			s.agent.stop()
		})
	}
}
