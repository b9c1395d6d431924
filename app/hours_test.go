package app

import (
	"bytes"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/secret"
)

// hours is a GitHub without sockets, so that synctest can let hours pass: every repository of acme, with main at one SHA.
type hours struct {
	mu       sync.Mutex
	granted  string         // the level of statuses
	branch   string         // the default one
	requests map[string]int // by method and path without names
	times    []time.Time    // of the installation's requests
	points   []int
	refused  int
}

var names = regexp.MustCompile(`/repos/acme/[^/]+`)

func (h *hours) RoundTrip(req *http.Request) (*http.Response, error) {
	time.Sleep(20 * time.Millisecond) // the way there and back
	h.mu.Lock()
	defer h.mu.Unlock()
	route := req.Method + " " + names.ReplaceAllString(req.URL.Path, "/repo")
	h.requests[route]++
	if strings.HasPrefix(route, "GET /repo/commits") || strings.HasPrefix(route, "POST /repo") {
		h.times, h.points = append(h.times, time.Now()), append(h.points, points(req.Method))
	}
	w := httptest.NewRecorder()
	w.Header().Set("Date", time.Now().UTC().Format(http.TimeFormat))
	h.answer(w, req, route)
	resp := w.Result()
	resp.Request = req
	return resp, nil
}

func (h *hours) answer(w http.ResponseWriter, req *http.Request, route string) {
	sha := strings.Repeat("a", 40)
	switch {
	case route == "GET /repo/installation", route == "GET /app/installations/7":
		fmt.Fprintf(w, `{"id": 7, "account": {"login": "acme"}, "html_url": "https://x", "permissions": {"contents": "read", "metadata": "read", "statuses": %q}}`, h.granted)
	case route == "POST /app/installations/7/access_tokens":
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"token": "t", "expires_at": %q}`, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	case route == "GET /repo/commits/heads/"+h.branch && req.Header.Get("If-None-Match") == sha:
		w.WriteHeader(http.StatusNotModified)
	case route == "GET /repo/commits/heads/"+h.branch:
		w.Header().Set("ETag", sha)
		fmt.Fprint(w, sha)
	case strings.HasPrefix(route, "GET /repo/commits/"):
		w.WriteHeader(http.StatusUnprocessableEntity)
	case route == "GET /repo":
		fmt.Fprintf(w, `{"id": 1, "full_name": %q, "default_branch": %q}`, strings.TrimPrefix(req.URL.Path, "/repos/"), h.branch)
	case strings.HasPrefix(route, "POST /repo/statuses/"):
		w.WriteHeader(http.StatusCreated)
	default:
		h.refused++
		w.WriteHeader(http.StatusNotFound)
	}
}

// most is the largest sum of points within any minute.
func (h *hours) most() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	most, sum, first := 0, 0, 0
	for i, at := range h.times {
		sum += h.points[i]
		for ; at.Sub(h.times[first]) >= time.Minute; first++ {
			sum -= h.points[first]
		}
		most = max(most, sum)
	}
	return most
}

func (h *hours) count(route string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.requests[route]
}

func newHours(t *testing.T) (*App, *hours, *bytes.Buffer) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	h := &hours{granted: "write", branch: "main", requests: map[string]int{}}
	literal := pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})
	log := &bytes.Buffer{}
	a, err := New(Options{ID: "1", Key: Key{Literal: secret.New(string(literal))}, Statuses: true, Transport: h, Log: slog.New(slog.NewTextHandler(log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	return a, h, log
}

func TestMissingPermissionIsAskedForHourly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, h, log := newHours(t)
		h.granted = "read"
		r := a.Repository("acme", "shop")
		for range 90 { // minutes
			if allowed, err := r.StatusesAllowed(t.Context()); allowed || err != nil {
				t.Fatalf("got %v, %v", allowed, err)
			}
			time.Sleep(time.Minute)
		}
		if n := h.count("GET /app/installations/7"); n != 1 {
			t.Errorf("asked %d times in 90 minutes, want once", n)
		}
		h.granted = "write"
		time.Sleep(time.Hour)
		if err := r.PostStatus(t.Context(), strings.Repeat("a", 40), Status{State: "success"}); err != nil {
			t.Error(err)
		}
		if n := strings.Count(log.String(), "no commit statuses"); n != 1 {
			t.Errorf("warned %d times", n)
		}
	})
}

func TestDefaultBranchIsLearnedHourly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, h, _ := newHours(t)
		r := a.Repository("acme", "shop")
		for range 150 {
			if heads, err := r.Heads(t.Context(), []string{"HEAD"}); err != nil || len(heads) != 1 {
				t.Fatalf("got %v, %v", heads, err)
			}
			time.Sleep(time.Minute)
		}
		if n := h.count("GET /repo"); n != 3 {
			t.Errorf("asked %d times in 150 minutes, want 3", n)
		}
		if n := h.count("POST /app/installations/7/access_tokens"); n != 3 {
			t.Errorf("%d tokens in 150 minutes, want 3", n)
		}
	})
}

func TestAThousandRepositoriesStayWithinTheLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a, h, log := newHours(t)
		refs := []string{"refs/heads/main"}
		looks := make([]Look, 1000)
		for i := range looks {
			looks[i] = Look{"acme", refs, time.Minute}
		}
		paced := a.Pace(looks)
		_ = a.Pace(looks)
		if n := strings.Count(log.String(), "interval=1m15s"); n != 1 {
			t.Errorf("the stretch was said %d times: %s", n, log)
		}
		start := time.Now()
		var all sync.WaitGroup
		for i := range looks {
			r := a.Repository("acme", fmt.Sprint("r", i))
			all.Go(func() {
				time.Sleep(time.Duration(i) * paced[i] / 1000)
				for next := time.Now(); time.Since(start) < 20*time.Minute; time.Sleep(time.Until(next)) {
					next = next.Add(paced[i])
					if heads, err := r.Heads(t.Context(), refs); err != nil || len(heads) != 1 {
						t.Errorf("got %v, %v", heads, err)
					}
					if i%100 != 0 {
						continue
					}
					if err := r.PostStatus(t.Context(), strings.Repeat("a", 40), Status{State: "success"}); err != nil {
						t.Error(err)
					}
				}
			})
		}
		all.Wait()
		if n := h.count("GET /repo/commits/heads/main"); n < 15000 {
			t.Errorf("%d looks in 20 minutes, want about 16,000", n)
		}
		if most := h.most(); most > pointsPerMinute {
			t.Errorf("%d points in a minute", most)
		}
		if lookups, tokens := h.count("GET /repo/installation"), h.count("POST /app/installations/7/access_tokens"); lookups != 1000 || tokens != 1 || h.refused != 0 {
			t.Errorf("%d lookups, %d tokens, %d unexpected requests", lookups, tokens, h.refused)
		}
	})
}

func TestDenialsGrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d denial
		no := errors.New("no")
		for _, want := range []time.Duration{30, 60, 120, 240, 480, 900, 900} {
			_ = d.note(no, firstDenial)
			_ = d.note(no, firstDenial) // said twice at once is one no
			time.Sleep(want*time.Second - time.Nanosecond)
			if d.standing() == nil {
				t.Errorf("asks before %v s are over", want)
			}
			time.Sleep(time.Nanosecond)
			if d.standing() != nil {
				t.Errorf("does not ask after %v s", want)
			}
		}
		d.clear()
		_ = d.note(no, firstDenial)
		time.Sleep(firstDenial)
		if d.standing() != nil {
			t.Error("remembers what is mended")
		}
	})
}
