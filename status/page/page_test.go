package page_test

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bittrance/kitops/status/page"
)

// TestPagesShowWhatTheAPIAnswers walks the pages as the local user.
func TestPagesShowWhatTheAPIAnswers(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	s.ran("r0", "acme/shop", "\x1b[31mred\x1b[0m <b>bold</b>\n")
	s.ran("r1", "blog", "done\n")
	b := s.local()
	for _, c := range []struct {
		path string
		want []string
		not  []string
	}{
		{"/", []string{"acme/shop", "no branch matches release/*", "pausing", "/runs/r0", "2 tasks"}, nil},
		{"/task?name=acme%2Fshop", []string{
			"Fix &lt;script&gt;", "name: acme/shop", `value="refs/heads/next"`, `value="rollback"`, "/runs/r0",
		}, []string{"<script>alert", "/runs/r1"}},
		{"/task?name=blog", []string{"/srv/blog", "/runs/r1"}, []string{"<select name=\"ref\""}},
		{"/runs", []string{"/runs/r0", "/runs/r1"}, nil},
		{"/runs?task=blog", []string{"/runs/r1"}, []string{"/runs/r0"}},
		{"/runs?outcome=failure", []string{"No runs."}, []string{"/runs/r0"}},
		{"/runs?ref=main&task=blog", []string{"/runs/r1"}, nil},
		{"/runs/r0", []string{`<span class="f1">red</span> &lt;b&gt;bold&lt;/b&gt;`, "make", "again", "/runs/r0/log.txt", "<dt>Signed by</dt><dd>anna</dd>"}, []string{"<b>bold", "/cancel"}},
		{"/runs/r0/log.txt", []string{"\x1b[31mred\x1b[0m <b>bold</b>\n"}, nil},
		{"/api/v1/tasks", []string{`"task":"acme/shop"`}, nil},
		{"/fleet", []string{"build-1", "0 of 4", "Nobody polls", "build-1; build-2"}, nil},
		{"/style.css", []string{".f1"}, nil},
		{"/page.js", []string{"EventSource"}, nil},
	} {
		a := b.get(c.path)
		if a.status != http.StatusOK {
			t.Errorf("%s: %d %s", c.path, a.status, a.body)
		}
		for _, want := range c.want {
			if !strings.Contains(a.body, want) {
				t.Errorf("%s: no %q in\n%s", c.path, want, a.body)
			}
		}
		for _, not := range c.not {
			if strings.Contains(a.body, not) {
				t.Errorf("%s: %q in\n%s", c.path, not, a.body)
			}
		}
	}
	for path, status := range map[string]int{"/task?name=other": 404, "/runs/other": 404, "/other": 404, "/runs?outcome=x": 400} {
		if a := b.get(path); a.status != status || !strings.Contains(a.body, "<h1>"+http.StatusText(status)) {
			t.Errorf("%s: %d %s", path, a.status, a.body)
		}
	}
}

func TestOrdersAreGivenByForms(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	s.begin("r0", "acme/shop")
	b := s.local()
	for _, c := range []struct {
		path, form string
		status     int
	}{
		{"/orders", "task=acme%2Fshop&order=poll", 303},
		{"/orders", "task=acme%2Fshop&order=pause&for=2h&reason=a+fair", 303},
		{"/orders", "task=acme%2Fshop&order=again&ref=refs%2Fheads%2Fmain&anyway=on", 303},
		{"/orders", "task=acme%2Fshop&order=pin&sha=BBBB", 303},
		{"/orders", "task=acme%2Fshop&order=pin&sha=", 400},
		{"/orders", "task=acme%2Fshop&order=resume", 409},
		{"/orders", "task=acme%2Fshop&order=cancel", 400},
		{"/orders", "task=acme%2Fshop&order=pause&for=soon", 400},
		{"/orders", "task=acme%2Fshop&order=rollback", 303},
		{"/runs/r0/cancel", "", 303},
		{"/runs/r0/remove", "", 409},
	} {
		form, err := url.ParseQuery(c.form)
		if err != nil {
			t.Fatal(err)
		}
		if a := b.post(c.path, form); a.status != c.status {
			t.Errorf("%s %s: %d %s", c.path, c.form, a.status, a.body)
		}
	}
	const want = "poll acme/shop; pause acme/shop   a fair by anna; again acme/shop refs/heads/main   by anna; pin acme/shop  bbbb  by anna; rollback acme/shop    by anna; cancel r0 by anna"
	if got := s.ordered(); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	if a := b.get("/task?name=acme%2Fshop"); !strings.Contains(a.body, "Run r0: cancelled") {
		t.Errorf("the page does not say how it went: %s", a.body)
	}
	if a := b.get("/task?name=acme%2Fshop"); strings.Contains(a.body, "Run r0: cancelled") {
		t.Error("it says it twice")
	}
}

// TestALogIsFollowed reads a live log as a browser does, and comes back.
func TestALogIsFollowed(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	r := s.begin("r0", "acme/shop")
	s.print(r, "one\ntw")
	s.await(func() bool { return strings.Contains(s.local().get("/runs/r0").body, ">tw</pre>") })
	b := s.local()
	resp := b.open(http.MethodGet, "/runs/r0/live?from=0", nil)
	defer func() { _ = resp.Body.Close() }()
	lines := bufio.NewScanner(resp.Body)
	next := func() (m struct {
		Lines, Tail, Place string
		Ended              bool
	},
	) {
		for lines.Scan() {
			if data, is := strings.CutPrefix(lines.Text(), "data: "); is {
				if err := json.Unmarshal([]byte(data), &m); err != nil {
					t.Fatal(err)
				}
				return m
			}
		}
		t.Fatalf("the stream has ended: %v", lines.Err())
		return m
	}
	if m := next(); m.Lines != "one\n" || m.Tail != "tw" || m.Place != "4.0" {
		t.Errorf("%+v", m)
	}
	s.print(r, "o\nthree\n")
	if m := next(); m.Lines != "two\nthree\n" || m.Tail != "" {
		t.Errorf("%+v", m)
	}
	if a := b.get("/runs/r0/live?poll&from=4.0"); !strings.Contains(a.body, `"two\nthree\n"`) || strings.Contains(a.body, `"ended":true`) {
		t.Errorf("%s", a.body)
	}
	s.finish(r)
	if m := next(); !m.Ended {
		t.Errorf("%+v", m)
	}
}

// TestTheEndOfTheAgentEndsStreams does not wait for those who look on.
func TestTheEndOfTheAgentEndsStreams(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	s.begin("r0", "acme/shop")
	b := s.local()
	for _, path := range []string{"/runs/r0/live", "/api/v1/runs/r0/log?follow", "/api/v1/events"} {
		resp := b.open(http.MethodGet, path, nil)
		defer func() { _ = resp.Body.Close() }()
	}
	if err := s.end(); err != nil {
		t.Error(err)
	}
}

// TestLargeOutputIsShownInWindows goes through megabytes from page to page, and finds each line once.
func TestLargeOutputIsShownInWindows(t *testing.T) {
	t.Parallel()
	s := open(t, nil)
	var text strings.Builder
	for range 30000 {
		text.WriteString("a line of what a build prints, of fifty bytes or so\n")
	}
	text.WriteString(strings.Repeat("x", 1<<20) + "\nend\n")
	s.ran("r0", "acme/shop", text.String())
	b := s.local()
	seen, pages, path := 0, 0, "/runs/r0?from=0"
	for ; path != "" && pages < 100; pages++ {
		a := b.get(path)
		if len(a.body) > 1<<20 {
			t.Fatalf("a page of %d bytes", len(a.body))
		}
		seen += strings.Count(a.body, "a line of what")
		path = ""
		if i := strings.Index(a.body, `#log">Later</a>`); i >= 0 {
			path = a.body[strings.LastIndexByte(a.body[:i], '"')+1 : i]
		}
	}
	if seen != 30000 || pages > 20 {
		t.Errorf("%d lines on %d pages", seen, pages)
	}
	if a := b.get("/runs/r0"); !strings.Contains(a.body, "end\n") || !strings.Contains(a.body, ">Earlier<") {
		t.Error("the page of a run does not begin with the end")
	}
}

// TestPagesOfOneHostAreApart has a browser look at the pages of two agents at two ports, which get each other's cookies.
func TestPagesOfOneHostAreApart(t *testing.T) {
	t.Parallel()
	first, second := open(t, nil), open(t, nil)
	b := first.local()
	other := &browser{second, "", b.cookies}
	invitation, err := second.server.Invite("anna")
	if err != nil {
		t.Fatal(err)
	}
	other.post("/login", url.Values{"code": {invitation.Code}}, "Origin", "null")
	for _, one := range []*browser{b, other} {
		if a := one.get("/"); a.status != http.StatusOK {
			t.Errorf("%s: %d", one.url, a.status)
		}
	}
}

// TestLoginsDoNotNeedTheDisk has a place for sessions to which nothing can be written.
func TestLoginsDoNotNeedTheDisk(t *testing.T) {
	t.Parallel()
	s := open(t, func(o *page.Options) { o.Sessions = filepath.Join(t.TempDir(), "missing", "sessions") })
	if a := s.local().get("/"); a.status != http.StatusOK || !strings.Contains(s.logged(), "ends with the agent") {
		t.Errorf("%d %s", a.status, s.logged())
	}
}

func TestSessionsSurviveARestartAndARevocationDoesNot(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "state.yaml.sessions")
	keep := func(o *page.Options) { o.Sessions = file }
	first := open(t, keep)
	b := first.local()
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Fatal(info, err)
	}
	data, _ := os.ReadFile(file)
	for _, c := range b.cookies {
		if strings.Contains(string(data), c.Value) {
			t.Error("the file has what logs in")
		}
	}
	first.host = "127.0.0.1:8080"
	b = first.local() // as all of them are asked for by one address
	second := open(t, keep)
	b.scene = second
	if a := b.get("/"); a.status != http.StatusOK {
		t.Errorf("after a restart: %d", a.status)
	}
	if n, err := second.server.Revoke(); n != 2 || err != nil {
		t.Error(n, err)
	}
	if a := b.get("/"); a.status != http.StatusSeeOther {
		t.Errorf("after a revocation: %d", a.status)
	}
	b.scene = open(t, keep)
	if a := b.get("/"); a.status != http.StatusSeeOther {
		t.Errorf("after a revocation and a restart: %d", a.status)
	}
}
