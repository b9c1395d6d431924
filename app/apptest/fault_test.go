package apptest_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/bittrance/kitops/app/apptest"
)

func TestFaultsMeetWhatFitsAndEnd(t *testing.T) {
	s := newScene(t, apptest.Options{})
	token := s.installation.Token(nil)
	const path = "/repos/acme/shop"
	get := func() reply { return s.ask("GET", path, token, "") }

	f := s.Inject(apptest.Filter{Method: "GET", Path: "/repos/acme/**", Auth: apptest.AsInstallation}, 2, apptest.Fail(503, ""))
	s.ask("GET", "/rate_limit", token, "").want(t, 200, "")
	s.ask("GET", path, "", "").want(t, 404, "")
	get().want(t, 503, "Service Unavailable")
	get().want(t, 503, "")
	get().want(t, 200, "")
	if f.Hits() != 2 || s.Count(apptest.Filter{Status: 503}) != 2 {
		t.Errorf("%d hits, %d recorded", f.Hits(), s.Count(apptest.Filter{Status: 503}))
	}

	s.Inject(apptest.Filter{Path: path}, 1, apptest.Fail(401, "Bad credentials"))
	get().want(t, 401, "Bad credentials")
	s.Inject(apptest.Filter{Path: path}, 1, apptest.Fail(429, "slow down", "Retry-After", "30"))
	if r := get(); r.status != 429 || r.header.Get("Retry-After") != "30" {
		t.Errorf("%+v", r)
	}
	s.Inject(apptest.Filter{Path: path}, 1, apptest.Garbage())
	get().want(t, 200, "unicorn")
	s.Inject(apptest.Filter{Path: path}, 1, apptest.Slow(time.Millisecond))
	get().want(t, 200, "acme/shop")
}

func TestConnectionsAreCut(t *testing.T) {
	s := newScene(t, apptest.Options{})
	token := s.installation.Token(nil)
	path := "/repos/acme/shop/statuses/" + s.sha
	const body = `{"state":"success"}`

	s.Inject(apptest.Filter{Method: "POST"}, 1, apptest.Drop())
	if r := s.ask("POST", path, token, body); r.err == nil || len(s.shop.Statuses(s.sha)) != 0 {
		t.Errorf("dropped: %+v", r)
	}
	s.Inject(apptest.Filter{Method: "POST"}, 1, apptest.Cut(0))
	if r := s.ask("POST", path, token, body); r.err == nil || len(s.shop.Statuses(s.sha)) != 1 {
		t.Errorf("answer lost: %+v", r)
	}
	s.Inject(apptest.Filter{Method: "POST"}, 1, apptest.Cut(10))
	if r := s.ask("POST", path, token, body); r.err == nil || r.status != 201 || len(r.body) != 10 {
		t.Errorf("cut after 10 bytes: %+v", r)
	}
	s.Inject(apptest.Filter{Method: "POST"}, 1, apptest.Cut(1<<20))
	s.ask("POST", path, token, body).want(t, 201, "success")
}

func TestHangUntilLifted(t *testing.T) {
	s := newScene(t, apptest.Options{})
	token := s.installation.Token(nil)
	f := s.Inject(apptest.Filter{Path: "/repos/acme/shop"}, 0, apptest.Hang())
	answer := make(chan reply, 1)
	go func() { answer <- s.ask("GET", "/repos/acme/shop", token, "") }()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := s.Await(ctx, func() bool { return s.Count(apptest.Filter{Path: "/repos/acme/shop"}) == 1 }); err != nil {
		t.Fatal(err)
	}
	select {
	case r := <-answer:
		t.Fatalf("answered while held: %+v", r)
	default:
	}
	f.Lift()
	(<-answer).want(t, 200, "acme/shop")
}

func TestHangEndsWithTheClientAndWithClose(t *testing.T) {
	s := newScene(t, apptest.Options{})
	s.Inject(apptest.Filter{}, 0, apptest.Hang())
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.APIURL+"/app", nil)
	if err != nil {
		t.Fatal(err)
	}
	gone := make(chan error, 2)
	send := func(req *http.Request) {
		resp, err := s.transport.RoundTrip(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		gone <- err
	}
	go send(req)
	waiting, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	if err := s.Await(waiting, func() bool { return s.Count(apptest.Filter{}) == 1 }); err != nil {
		t.Fatal(err)
	}
	cancel()
	if err := <-gone; err == nil {
		t.Error("the client was answered")
	}
	go send(req.Clone(t.Context()))
	if err := s.Await(waiting, func() bool { return s.Count(apptest.Filter{}) == 2 }); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if err := <-gone; err == nil {
		t.Error("the second client was answered")
	}
}

func TestRedirectElsewhere(t *testing.T) {
	s := newScene(t, apptest.Options{Unchecked: true})
	leaked := make(chan string, 1)
	thief := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		leaked <- r.Host + r.URL.RequestURI()
	}))
	defer thief.Close()
	s.Inject(apptest.Filter{Path: "/repos/acme/shop"}, 1, apptest.Redirect(307, thief.URL))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.APIURL+"/repos/acme/shop?a=b", nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Transport: s.transport}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	if got := <-leaked; got != strings.TrimPrefix(thief.URL, "http://")+"/repos/acme/shop?a=b" {
		t.Error(got)
	}
}
