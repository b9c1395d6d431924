package apptest_test

import (
	"errors"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-github/v60/github"

	"github.com/bittrance/kitops/app/apptest"
)

func remaining(t *testing.T, r reply) int {
	t.Helper()
	n, err := strconv.Atoi(r.header.Get("X-RateLimit-Remaining"))
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestLimitsCountDownAndAuthorised304sAreFree(t *testing.T) {
	s := newScene(t, apptest.Options{})
	token := s.installation.Token(nil)
	const path = "/repos/acme/shop/commits/heads/main"
	first := s.ask("GET", path, token, "", "Accept", shaMedia)
	if remaining(t, first) != 4999 {
		t.Errorf("remaining %d, want 4999", remaining(t, first))
	}
	for range 20 {
		r := s.ask("GET", path, token, "", "Accept", shaMedia, "If-None-Match", first.header.Get("ETag"))
		if r.status != 304 || remaining(t, r) != 4999 {
			t.Fatalf("status %d, remaining %d: a 304 is not free", r.status, remaining(t, r))
		}
	}
	if r := s.ask("GET", path, token, ""); remaining(t, r) != 4998 {
		t.Errorf("remaining %d, want 4998", remaining(t, r))
	}
	limits, _, err := s.withToken(token).RateLimit.Get(t.Context())
	if err != nil || limits.Core.Remaining != 4998 || limits.Core.Limit != 5000 {
		t.Errorf("%+v, %v", limits, err)
	}
}

func TestPrimaryLimitRefusesUntilItsReset(t *testing.T) {
	s := newScene(t, apptest.Options{})
	other := s.RegisterApp("mona", "other", apptest.AppOptions{}).Install("mona", nil)
	token := s.installation.Token(nil)
	s.installation.SetRemaining(1)
	s.ask("GET", "/repos/acme/shop", token, "").want(t, 200, "")
	r := s.ask("GET", "/repos/acme/shop", token, "")
	r.want(t, 403, "API rate limit exceeded for installation ID")
	if remaining(t, r) != 0 || r.header.Get("X-RateLimit-Reset") == "" || r.header.Get("Retry-After") != "" {
		t.Errorf("headers %v", r.header)
	}
	var limited *github.RateLimitError
	if _, _, err := s.withToken(token).Repositories.Get(t.Context(), "acme", "shop"); !errors.As(err, &limited) {
		t.Errorf("go-github sees %v", err)
	}
	s.ask("GET", "/rate_limit", token, "").want(t, 200, `"remaining":0`)
	s.ask("GET", "/installation/repositories", other.Token(nil), "").want(t, 200, "")
	s.Advance(time.Hour)
	s.ask("GET", "/repos/acme/shop", s.installation.Token(nil), "").want(t, 200, "")
}

func TestStrangersHaveSixtyAnHourAndPayFor304s(t *testing.T) {
	s := newScene(t, apptest.Options{})
	s.shop.SetPrivate(false)
	const path = "/repos/acme/shop/commits/heads/main"
	etag := s.ask("GET", path, "", "", "Accept", shaMedia).header.Get("ETag")
	for range 59 {
		s.ask("GET", path, "", "", "Accept", shaMedia, "If-None-Match", etag).want(t, 304, "")
	}
	s.ask("GET", path, "", "", "Accept", shaMedia, "If-None-Match", etag).want(t, 403, "API rate limit exceeded for 127.0.0.1")
}

func TestSecondaryLimits(t *testing.T) {
	s := newScene(t, apptest.Options{SecondaryLimits: true, Unchecked: true})
	token := s.installation.Token(nil)
	post := func() reply {
		return s.ask("POST", "/repos/acme/shop/statuses/"+s.sha, token, `{"state":"pending"}`)
	}
	for range 80 {
		post().want(t, 201, "")
	}
	r := post()
	r.want(t, 403, "secondary rate limit")
	if after, err := strconv.Atoi(r.header.Get("Retry-After")); err != nil || after < 1 || after > 61 {
		t.Errorf("Retry-After %q", r.header.Get("Retry-After"))
	}
	var abuse *github.AbuseRateLimitError
	if _, _, err := s.withToken(token).Repositories.CreateStatus(t.Context(), "acme", "shop", s.sha, &github.RepoStatus{State: ptr("success")}); !errors.As(err, &abuse) {
		t.Errorf("go-github sees %v", err)
	}
	// 400 points are used up by the posts; reads go on until 900, also those that are not modified.
	etag := s.ask("GET", "/repos/acme/shop", token, "").header.Get("ETag")
	for range 499 {
		s.ask("GET", "/repos/acme/shop", token, "", "If-None-Match", etag).want(t, 304, "")
	}
	s.ask("GET", "/repos/acme/shop", token, "", "If-None-Match", etag).want(t, 403, "secondary rate limit")
	s.Advance(time.Minute)
	post().want(t, 201, "")
}

func TestInstallationLimitGrowsWithRepositories(t *testing.T) {
	s := newScene(t, apptest.Options{})
	for i := range 29 {
		s.AddRepository("acme", itoa(int64(i)), apptest.RepositoryOptions{InMemory: true})
	}
	r := s.ask("GET", "/repos/acme/shop", s.installation.Token(nil), "")
	if got := r.header.Get("X-RateLimit-Limit"); got != "5500" {
		t.Errorf("limit %s, want 5500", got)
	}
}
