package page_test

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/status/page"
)

// TestOtherPagesCannotOrder has a browser that is logged in send what another page would have it send: each way to
// change something, with each thing that a browser says about where a request comes from.
func TestOtherPagesCannotOrder(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	s.ran("r0", "acme/shop", "hi\n")
	b := s.local()
	host := strings.TrimPrefix(s.url, "http://")
	for _, from := range [][]string{
		{"X-Nothing", "said"},
		{"Origin", "null"},
		{"Origin", "https://evil.example"},
		{"Origin", "http://evil.example", "Sec-Fetch-Site", "cross-site"},
		{"Origin", "http://127.0.0.1:1"},                            // another port of this machine
		{"Origin", "https://" + host},                               // another scheme
		{"Origin", "http://" + host + ".evil.example"},              // a name that begins alike
		{"Origin", "http://evil.example@" + host + "x"},             // one that looks alike
		{"Sec-Fetch-Site", "same-site"},                             // a sister of the host
		{"Sec-Fetch-Site", "none"},                                  // nobody's: an address bar sends no POST
		{"Referer", s.url + "/"},                                    // which anybody can leave out, so it counts for nothing
		{"Sec-Fetch-Site", "cross-site", "Referer", s.url + "/"},    // both
		{"X-Requested-With", "XMLHttpRequest"},                      // a header of frameworks
		{"Origin", "http://evil.example", "X-Forwarded-Host", host}, // as if a proxy had said so
	} {
		for _, request := range []struct{ method, path, form string }{
			{http.MethodPost, "/orders", "task=acme%2Fshop&order=pause"},
			{http.MethodPost, "/orders", "task=acme%2Fshop&order=poll"},
			{http.MethodPost, "/runs/r0/cancel", ""},
			{http.MethodPost, "/runs/r0/remove", ""},
			{http.MethodPost, "/logout", ""},
			{http.MethodPost, "/api/v1/tasks/acme%2Fshop/pause", ""},
			{http.MethodPost, "/api/v1/tasks/acme%2Fshop/poll", ""},
			{http.MethodPost, "/api/v1/runs/r0/cancel", ""},
			{http.MethodDelete, "/api/v1/runs/r0", ""},
		} {
			form, err := url.ParseQuery(request.form)
			if err != nil {
				t.Fatal(err)
			}
			if a := b.send(request.method, request.path, form, from...); a.status != http.StatusForbidden {
				t.Errorf("%s %s with %q: %d", request.method, request.path, from, a.status)
			}
		}
	}
	if got := s.ordered(); got != "" {
		t.Errorf("ordered: %s", got)
	}
	for _, path := range []string{"/orders?task=acme%2Fshop&order=pause", "/runs/r0/cancel", "/runs/r0/remove", "/api/v1/tasks/acme%2Fshop/pause"} {
		if a := b.get(path); a.status < 400 || s.ordered() != "" {
			t.Errorf("a link to %s: %d, %s", path, a.status, s.ordered())
		}
	}
	if a := b.post("/orders", url.Values{"task": {"acme/shop"}, "order": {"pause"}}, "Sec-Fetch-Site", "same-origin"); a.status != http.StatusSeeOther {
		t.Errorf("the page's own: %d %s", a.status, a.body)
	}
}

// TestForeignNamesGetNoAnswer asks as a browser does whose name server points another page's name here.
func TestForeignNamesGetNoAnswer(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	b := s.local()
	for _, path := range []string{"/", "/login", "/runs", "/style.css", "/api/v1/tasks", "/api/v1/events", "/nosuch"} {
		for _, host := range []string{
			"evil.example", "evil.example:80", "localhost.evil.example", "127.0.0.1.evil.example", "127.0.0.1.nip.io:8080",
			"evil.example:127.0.0.1", "[::1].evil.example", "localhost:80.evil.example", "0x7f000001.evil.example", "kitops",
		} {
			if a := b.get(path, "Host", host); a.status != http.StatusMisdirectedRequest || strings.Contains(a.body, "acme") {
				t.Errorf("%s of %q: %d %s", path, host, a.status, a.body)
			}
		}
	}
	for _, host := range []string{"localhost", "localhost:8080", "127.0.0.1", "[::1]:8080", "192.0.2.7:80"} {
		if a := b.get("/style.css", "Host", host); a.status != http.StatusOK {
			t.Errorf("%q: %d", host, a.status)
		}
	}
}

// hostile are names and texts that come from repositories, as an attacker would write them.
func hostile() []string {
	return []string{
		`<script>document.title="x"</script>`, `"><img src=x onerror=alert(1)>`, `' onmouseover='alert(1)`, `" onfocus=alert(1) autofocus="`,
		`javascript:alert(1)`, `</pre></title></style></textarea><svg/onload=alert(1)>`, `{{.}}`, `<!--`, `]]>`, "\x00\x1b]8;;javascript:alert(1)\x1b\\click\x1b]8;;\x1b\\",
		"\x1b]1337;File=inline=1:AAAA\x07", "\x1b[31m<b>\x1b[0m", "&lt;b&gt;", "\u202egpj.exe", "\xff\xfe<i>",
	}
}

// TestNothingOfARepositoryBecomesMarkup puts hostile texts wherever a repository, a task file or a person can put one,
// and parses the pages as a browser does.
func TestNothingOfARepositoryBecomesMarkup(t *testing.T) {
	t.Parallel()
	var all []poller.Standing
	for _, text := range hostile() {
		all = append(all, poller.Standing{
			Task: text, URL: text, Why: text, Paused: &poller.Hold{By: text, Reason: text},
			Refs: []poller.RefStanding{{Ref: "refs/heads/" + text, Applied: text, Head: head, Outcome: "failure", Run: text, SHA: text, Why: text, Pinned: &poller.Hold{By: text, Reason: text}}},
		})
	}
	s := open(t, func(o *page.Options) {
		o.Settings = func(string) string { return strings.Join(hostile(), "\n") }
		o.Changes = func(context.Context, string, string, string, int) (commits []page.Commit, err error) {
			for _, text := range hostile() {
				commits = append(commits, page.Commit{SHA: text, Subject: text})
			}
			return commits, nil
		}
	})
	s.api.Standings = func(context.Context) ([]poller.Standing, error) { return slices.Clone(all), nil }
	s.api.Standing = nil
	for i, text := range hostile() {
		r := s.begin(runName(i), text)
		r.Revision = git.Revision{Ref: "refs/heads/" + text, SHA: head}
		r.Action, r.Reason = text, text
		s.history.Observe(poller.Event{Kind: poller.ActionStarted, Task: r.Task, Run: r})
		s.print(r, text+"\n"+text)
		s.finish(r)
	}
	b := s.local()
	paths := []string{"/", "/runs", "/login?next=" + url.QueryEscape(hostile()[0])}
	for i, text := range hostile() {
		paths = append(paths, "/task?name="+url.QueryEscape(text), "/runs?task="+url.QueryEscape(text)+"&ref="+url.QueryEscape(text),
			"/runs/"+runName(i), "/runs/"+url.PathEscape(text), "/"+url.PathEscape(text), "/runs?outcome="+url.QueryEscape(text))
	}
	for _, path := range paths {
		a := b.get(path)
		if kind := a.header.Get("Content-Type"); strings.HasPrefix(kind, "text/html") {
			harmless(t, path, a.body)
		}
		if policy := a.header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") {
			t.Errorf("%s: the policy is %q", path, policy)
		}
	}
	for i := range hostile() {
		if a := b.get("/runs/" + runName(i) + "/log.txt"); !strings.HasPrefix(a.header.Get("Content-Type"), "text/plain") || a.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("a download is %v", a.header)
		}
	}
}

func runName(i int) string { return "20260504t120000-" + strings.Repeat(string(rune('a'+i)), 10) }

// harmless parses a page and allows only elements and attributes that its templates have.
func harmless(t *testing.T, path, text string) {
	t.Helper()
	scripts := 0
	for tokens := html.NewTokenizer(strings.NewReader(text)); ; {
		switch tokens.Next() {
		case html.ErrorToken:
			if scripts > 1 {
				t.Errorf("%s: %d scripts", path, scripts)
			}
			return
		case html.CommentToken:
			t.Errorf("%s: a comment", path)
		case html.StartTagToken, html.SelfClosingTagToken:
			token := tokens.Token()
			switch token.Data {
			case "script":
				scripts++
			case "img", "svg", "iframe", "object", "embed", "b", "i", "style", "base", "video":
				t.Errorf("%s: %s", path, token)
			}
			for _, attribute := range token.Attr {
				value := strings.ToLower(strings.TrimSpace(attribute.Val))
				switch {
				case strings.HasPrefix(attribute.Key, "on"), attribute.Key == "style", attribute.Key == "autofocus":
					t.Errorf("%s: %s", path, token)
				case slices.Contains([]string{"href", "src", "action", "formaction", "data-follow"}, attribute.Key):
					if !strings.HasPrefix(value, "/") && !strings.HasPrefix(value, "#") && !strings.HasPrefix(value, "https://") || strings.HasPrefix(value, "//") {
						t.Errorf("%s: it leads to %q", path, attribute.Val)
					}
				}
			}
		}
	}
}

// TestNobodyIsSentElsewhere follows where a login and other redirections lead.
func TestNobodyIsSentElsewhere(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	for _, next := range []string{"//evil.example", `/\evil.example`, "https://evil.example", "/\t/evil.example", "/%0d%0aLocation: https://evil.example", "javascript:alert(1)"} {
		for _, path := range []string{"/login?next=" + url.QueryEscape(next), "/" + url.PathEscape(next), "//evil.example/" + url.QueryEscape(next)} {
			a := s.browser().get(path)
			if to := a.header.Get("Location"); to != "" && (!strings.HasPrefix(to, "/") || strings.HasPrefix(to, "//") || strings.HasPrefix(to, `/\`)) {
				t.Errorf("%s leads to %q", path, to)
			}
		}
	}
}
