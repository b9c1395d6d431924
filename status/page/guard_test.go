package page_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/bittrance/kitops/status/page"
)

// TestOnlyItsOwnNamesAreAnswered is DNS rebinding: a name of somebody else's that leads here.
func TestOnlyItsOwnNamesAreAnswered(t *testing.T) {
	t.Parallel()
	s := open(t, func(o *page.Options) { o.PageURL = "https://kitops.example.com:8443/agent" })
	b := s.browser()
	for host, status := range map[string]int{
		"127.0.0.1": 200, "127.0.0.1:8080": 200, "192.0.2.7:8080": 200, "[::1]:8080": 200, "[2001:db8::1]": 200, "localhost": 200, "LOCALHOST:80": 200,
		"kitops.example.com:8443": 200, "KITOPS.example.com:8443": 200,
		"kitops.example.com": 421, "evil.example": 421, "localhost.evil.example": 421, "127.0.0.1.evil.example": 421, "kitops.example.com.evil.example:8443": 421,
		"evil.example:127": 421, "127.1": 421, "0x7f.1": 421, "2130706433": 421, "user@127.0.0.1": 421,
	} {
		if a := b.get("/login", "Host", host); a.status != status {
			t.Errorf("%s: %d, not %d", host, a.status, status)
		}
	}
}

// TestForeignPagesGiveNoOrders is CSRF: another page that posts with the browser's cookie.
func TestForeignPagesGiveNoOrders(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	b := s.local()
	own := strings.TrimPrefix(s.url, "http://")
	for _, c := range []struct {
		header []string
		status int
	}{
		{[]string{"Sec-Fetch-Site", "same-origin"}, 303},
		{[]string{"Origin", s.url}, 303},
		{[]string{"X-Nothing", "at all"}, 403},
		{[]string{"Origin", "null"}, 403},
		{[]string{"Origin", "https://evil.example"}, 403},
		{[]string{"Origin", "http://evil.example", "Host", own}, 403},
		{[]string{"Origin", "https://" + own}, 403},
		{[]string{"Origin", "http://localhost:1"}, 403},
		{[]string{"Origin", s.url + ".evil.example"}, 403},
		{[]string{"Sec-Fetch-Site", "same-site", "Origin", "http://127.0.0.1:1"}, 403},
		{[]string{"Sec-Fetch-Site", "cross-site", "Origin", "https://evil.example"}, 403},
		{[]string{"Sec-Fetch-Site", "none"}, 403},
	} {
		if a := b.post("/orders", url.Values{"task": {"blog"}, "order": {"pause"}}, c.header...); a.status != c.status {
			t.Errorf("%q: %d, not %d", c.header, a.status, c.status)
		}
		status := map[int]int{303: 202, 403: 403}[c.status]
		if a := b.send(http.MethodPost, "/api/v1/tasks/blog/pause", nil, c.header...); a.status != status {
			t.Errorf("%q: the API: %d, not %d", c.header, a.status, status)
		}
	}
}

func TestCookiesFitTheAddress(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		address, host, forwarded string
		name, path               string
		secure                   bool
	}{
		{"", "127.0.0.1", "", "kitops", "/", false},
		{"", "127.0.0.1:8080", "", "kitops-8080", "/", false},
		{"", "[::1]:8080", "", "kitops-8080", "/", false},
		{"", "127.0.0.1", "https", "__Host-kitops", "/", true},
		{"https://kitops.example.com:8443", "kitops.example.com:8443", "", "__Host-kitops-8443", "/", true},
		{"http://kitops.example.com", "kitops.example.com", "", "kitops", "/", false},
		{"https://kitops.example.com", "kitops.example.com", "", "__Host-kitops", "/", true},
		{"https://kitops.example.com", "127.0.0.1", "", "kitops", "/", false},
		{"https://example.com/kitops/", "example.com", "", "__Secure-kitops", "/kitops/", true},
	} {
		s := open(t, func(o *page.Options) { o.PageURL = c.address })
		invitation, err := s.server.Invite("anna")
		if err != nil {
			t.Fatal(err)
		}
		b := s.browser()
		b.post("/login", url.Values{"code": {invitation.Code}}, "Host", c.host, "X-Forwarded-Proto", c.forwarded)
		got := b.cookies[c.name]
		if got == nil || len(b.cookies) != 1 || got.Path != c.path || got.Secure != c.secure || !got.HttpOnly || got.SameSite != http.SameSiteLaxMode || got.Domain != "" {
			t.Errorf("%+v: %+v", c, b.cookies)
		}
	}
}

func TestPublicAddresses(t *testing.T) {
	t.Parallel()
	for address, good := range map[string]bool{
		"": true, "https://kitops.example.com": true, "https://kitops.example.com/": true, "http://10.0.0.7:8080/a/b": true,
		"kitops.example.com": false, "ftp://example.com": false, "https://": false, "https://user@example.com": false, "https://example.com/?a": false,
		"https://example.com/#a": false, "https://example.com/a b": false, "https://example.com/a;b": false, "https://example.com/../a": false, "https://example.com//a": false,
	} {
		if err := (page.Config{PageURL: address}).CheckURL(); (err == nil) != good {
			t.Errorf("%s: %v", address, err)
		}
	}
	c := page.Config{PageAddress: ":8080", PageURL: "https://Example.com:443/kitops/"}
	if got := c.RunLink(); got != "https://example.com/kitops/runs/{run}" {
		t.Error(got)
	}
	if got := c.Callback(); got != "https://example.com/kitops/login/callback" {
		t.Error(got)
	}
}

// TestCodesLogInOnce has codes that were used, and guesses without end.
func TestCodesLogInOnce(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	invitation, err := s.server.Invite("anna")
	if err != nil {
		t.Fatal(err)
	}
	if _, rest, _ := strings.Cut(invitation.Address, "#"); rest != invitation.Code || strings.Contains(invitation.Login, invitation.Code) {
		t.Errorf("%+v", invitation)
	}
	post := func(code string) answer {
		return s.browser().post("/login", url.Values{"code": {code}}, "Origin", "null")
	}
	if a := post(invitation.Code); a.status != 303 {
		t.Errorf("%d", a.status)
	}
	if a := post(invitation.Code); a.status != 403 {
		t.Errorf("a second time: %d", a.status)
	}
	limited := 0
	for range 60 {
		if a := post("GUESS"); a.status == http.StatusTooManyRequests {
			limited++
		}
	}
	if limited < 10 {
		t.Errorf("%d guesses of 60 were refused", limited)
	}
	if invitation, err = s.server.Invite("anna"); err != nil {
		t.Fatal(err)
	}
	if a := post(invitation.Code); a.status != 303 {
		t.Errorf("who guesses keeps others out: %d", a.status)
	}
}

// TestWhoGuessesKeepsNobodyOutBehindAProxy has all come from one proxy, and one of them write headers of his own.
func TestWhoGuessesKeepsNobodyOutBehindAProxy(t *testing.T) {
	t.Parallel()
	s := open(t, func(o *page.Options) {
		o.From = func(r *http.Request) string { return r.Header.Get("X-Forwarded-For") }
	})
	post := func(from string) int {
		return s.browser().post("/login", url.Values{"code": {"GUESS"}}, "X-Forwarded-For", from).status
	}
	for range 60 {
		post("192.0.2.1")
	}
	if got, other := post("192.0.2.1"), post("192.0.2.2"); got != http.StatusTooManyRequests || other != http.StatusForbidden {
		t.Errorf("who guesses gets %d, another one %d", got, other)
	}
}

// TestTooManyStreamsAreRefused opens those of one session that has too many tabs.
func TestTooManyStreamsAreRefused(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	s.begin("r0", "acme/shop")
	b := s.local()
	for i := range 51 {
		path := []string{"/runs/r0/live", "/api/v1/events", "/api/v1/runs/r0/log?follow"}[i%3]
		resp := b.open(http.MethodGet, path, nil)
		defer func() { _ = resp.Body.Close() }()
		if want := map[bool]int{true: http.StatusOK, false: http.StatusServiceUnavailable}[i < 50]; resp.StatusCode != want {
			t.Errorf("stream %d: %d", i, resp.StatusCode)
		}
	}
	resp := s.local().open(http.MethodGet, "/runs/r0/live", nil)
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Errorf("another session: %d", resp.StatusCode)
	}
}

// TestStreamsEndWithTheirSession reads a stream to its end, which is that of the session.
func TestStreamsEndWithTheirSession(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	s.begin("r0", "acme/shop")
	for _, path := range []string{"/runs/r0/live", "/api/v1/events"} {
		b := s.local()
		resp := b.open(http.MethodGet, path, nil)
		defer func() { _ = resp.Body.Close() }()
		b.post("/logout", nil)
		for buf := make([]byte, 1024); ; {
			if _, err := resp.Body.Read(buf); err != nil {
				break
			}
		}
	}
}
