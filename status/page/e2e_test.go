//go:build e2e && unix

package page_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"

	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/status/page"
)

// enter logs a tab in by the link that kitops page prints.
func (s *scene) enter(b *tab) {
	s.t.Helper()
	invitation, err := s.server.Invite("anna")
	if err != nil {
		s.t.Fatal(err)
	}
	b.open(invitation.Address)
	b.says("2 tasks")
}

// standing is how tasks stand in the pictures: one of everything.
func standing() []poller.Standing {
	now := time.Now().UTC()
	applied, soon := strings.Repeat("a1b2c3d4", 5), now.Add(40*time.Second)
	hold := &poller.Hold{By: "anna", Since: now.Add(-time.Hour), Reason: "the sale"}
	return []poller.Standing{
		{Task: "acme/shop", URL: "https://github.com/acme/shop", NextPoll: soon, Refs: []poller.RefStanding{
			{Ref: "refs/heads/main", Applied: applied, Head: head, Outcome: "running", Run: "live", SHA: head, Why: "running since 14:02", NextPoll: soon},
			{Ref: "refs/heads/release/2026-12", Applied: applied, Head: applied, Outcome: "success", Run: "good", SHA: applied, Why: "applied 2 min ago", NextPoll: soon},
			{Ref: "refs/heads/feature/a-very-long-name-that-somebody-has-given-to-a-branch", Applied: applied, Head: head, Outcome: "failure", Run: "bad", SHA: head, Why: "pausing until 14:02 after 3 failed tries", NextPoll: soon},
			{Ref: "refs/heads/next", Head: head, Why: "remembered at the first poll, not run"},
		}},
		{Task: "docs", URL: "/srv/git/docs", NextPoll: soon, Paused: hold, Why: "paused by anna: the sale", Refs: []poller.RefStanding{
			{Ref: "refs/heads/main", Applied: applied, Head: applied, Outcome: "error", Run: "cut", SHA: applied, Why: "paused by anna: the sale"},
		}},
	}
}

// dressed is a scene with one of everything, for pictures and orders.
func dressed(t *testing.T, change func(*page.Options)) (*scene, poller.Run) {
	t.Helper()
	s := open(t, change)
	s.api.Standings = func(context.Context) ([]poller.Standing, error) { return standing(), nil }
	s.ran("good", "acme/shop", "\x1b[1m==>\x1b[0m build\ncc -O2 -o shop shop.c\n\x1b[32mok\x1b[0m  242 tests\n")
	s.ran("cut", "docs", strings.Repeat("a line of a longer log, which somebody has to read from its beginning to its end\n", 30_000))
	r := s.begin("live", "acme/shop")
	s.print(r, "\x1b[1m==>\x1b[0m build\n\x1b[33mwarning:\x1b[0m unused variable\n\x1b[31merror:\x1b[0m expected ';'\nfetching  10 %\rfetching 100 %\n")
	return s, r
}

// TestE2EThePageInABrowser logs in by a link, watches a run, and gives every order of the page.
func TestE2EThePageInABrowser(t *testing.T) {
	axe := axeCore(t)
	s, r := dressed(t, nil)
	b := newTab(t)
	b.open(s.url + "/runs")
	b.says("Log in")
	b.examine("login", axe)
	s.enter(b)
	b.examine("tasks", axe)
	b.open(s.url + "/runs")
	b.says("success")
	b.examine("runs", axe)
	b.open(s.url + "/task?name=acme%2Fshop")
	b.says("Fix <script>alert(1)</script>")
	b.examine("task", axe)
	b.open(s.url + "/runs/cut")
	b.says("Earlier")
	const atEnd = "(l => l.scrollTop > 0 && l.scrollHeight - l.scrollTop - l.clientHeight < 2)(document.querySelector('.log'))"
	if _, err := chromedp.Run(b.ctx, chromedp.Poll[bool](atEnd)); err != nil {
		t.Errorf("a long log does not show its end: %v", err)
	}
	b.examine("longlog", axe)
	b.open(s.url + "/nosuch")
	b.says("Not Found")
	b.examine("problem", axe)

	b.open(s.url + "/runs/live")
	b.says("fetching 100 %")
	b.says("Following.")
	b.examine("run", axe)
	s.print(r, "linking\n<img src=x onerror=document.title='broken'>\n")
	b.says("onerror=")
	b.press("Cancel")
	b.says("Run live: cancelled")
	if title, err := chromedp.Run(b.ctx, chromedp.Title()); title == "broken" || err != nil {
		t.Errorf("what a run printed is run: %v", err)
	}
	s.finish(r)
	b.says("The run has ended.")
	b.press("Run the head again")
	b.says("acme/shop: again by anna")
	b.fill("Pin", "sha", "8e1f6a2")
	b.fill("Pin", "reason", "the sale")
	b.press("Pin")
	b.says("acme/shop: pin by anna")
	b.fill("Pause", "for", "2h")
	b.fill("Pause", "reason", "a fair")
	b.press("Pause")
	b.says("acme/shop: pause by anna")
	b.press("Roll back")
	b.says("acme/shop: rollback by anna")
	b.press("Poll now")
	b.says("acme/shop: polls now")
	want := "cancel live by anna; again acme/shop refs/heads/main   by anna; pin acme/shop refs/heads/main 8e1f6a2 the sale by anna; " +
		"pause acme/shop   a fair by anna; rollback acme/shop refs/heads/main   by anna; poll acme/shop"
	if got := s.ordered(); got != want {
		t.Errorf("ordered: %s\nwant: %s", got, want)
	}
	b.press("Log out")
	b.says("Log in")
	b.open(s.url + "/runs/live")
	b.says("Log in")
}

// TestE2ETenTabs has as many tabs follow a run by HTTP/1.1, by which a browser has six connections to a host: those out
// of sight give theirs up.
func TestE2ETenTabs(t *testing.T) {
	s, r := dressed(t, nil)
	b := newTab(t)
	s.enter(b)
	for n := range 10 {
		next := b.another()
		next.open(s.url + "/runs/live")
		next.says("Following.")
		line := fmt.Sprintf("line %d of them all", n)
		s.print(r, line+"\n")
		next.says(line)
		next.leave()
	}
}

// proxied is a scene behind a proxy that the browser sees at a path. Change may alter what goes to the page.
func proxied(t *testing.T, path string, strip, buffers bool) (*scene, poller.Run) {
	t.Helper()
	var target *url.URL
	proxy := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host = target.Scheme, target.Host
			r.Out.Host = r.In.Host
			if strip {
				r.Out.URL.Path, r.Out.URL.RawPath = strings.TrimPrefix(r.Out.URL.Path, path), ""
			}
		},
		FlushInterval: -1,
	}
	if buffers {
		proxy.ModifyResponse = func(resp *http.Response) error {
			if !strings.HasPrefix(resp.Header.Get("Content-Type"), "text/event-stream") {
				return nil
			}
			whole, written := io.Pipe()
			body := resp.Body
			go func() { // nothing goes on before all is there
				all, _ := io.ReadAll(body)
				_, _ = written.Write(all)
				_ = written.Close()
			}()
			resp.Body = struct {
				io.Reader
				io.Closer
			}{whole, body}
			return nil
		}
	}
	front := httptest.NewServer(proxy)
	t.Cleanup(front.Close)
	s, r := dressed(t, func(o *page.Options) { o.PageURL = front.URL + path })
	var err error
	if target, err = url.Parse(s.url); err != nil {
		t.Fatal(err)
	}
	s.url = front.URL + path
	return s, r
}

func TestE2EBehindProxies(t *testing.T) {
	for name, c := range map[string]struct {
		path           string
		strip, buffers bool
	}{
		"it strips a path": {"/ops/kitops", true, false},
		"it keeps a path":  {"/ops/kitops", false, false},
		"it buffers":       {"", false, true},
	} {
		t.Run(name, func(t *testing.T) {
			s, r := proxied(t, c.path, c.strip, c.buffers)
			b := newTab(t)
			s.enter(b)
			b.do("go to the task", chromedp.Click(`//a[.="acme/shop"]`))
			b.says("Orders")
			b.do("go to the run", chromedp.Click(`//tbody//a[contains(., "running")]`))
			b.says("fetching 100 %")
			s.print(r, "one more line\n")
			b.says("one more line")
			b.press("Cancel")
			b.says("Run live: cancelled")
			s.print(r, "the last line\n")
			b.says("the last line")
			s.finish(r)
			b.says("The run has ended.")
			at, err := chromedp.Run(b.ctx, chromedp.Location())
			if err != nil || !strings.HasPrefix(at, s.url+"/") {
				t.Errorf("the browser is at %s, %v", at, err)
			}
		})
	}
}
