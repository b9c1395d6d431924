package page_test

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/status/api"
	"github.com/bittrance/kitops/status/history"
	"github.com/bittrance/kitops/status/page"
)

// scene is a page over an API that has two tasks, and notes its orders.
type scene struct {
	t       *testing.T
	url     string
	server  *page.Server
	history *history.History
	api     *api.API
	log     *bytes.Buffer
	lines   *locked // to log
	end     func() error
	host    string // that browsers ask for, "" for the address

	mu     sync.Mutex
	orders []string
	people []poller.Person // who have given them
}

var head = strings.Repeat("b", 40)

func open(t *testing.T, change func(*page.Options)) *scene {
	t.Helper()
	s := &scene{t: t, log: &bytes.Buffer{}}
	s.lines = &locked{w: s.log}
	log := slog.New(slog.NewTextHandler(s.lines, nil))
	s.history = history.New(t.Context(), t.TempDir(), history.DefaultKeep(), "build-1", log)
	t.Cleanup(func() { s.history.Close(time.Minute) })
	note := func(order string) {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.orders = append(s.orders, order)
	}
	s.api = &api.API{
		Standings: func(context.Context) ([]poller.Standing, error) {
			return []poller.Standing{
				{Task: "acme/shop", URL: "https://github.com/acme/shop", Refs: []poller.RefStanding{
					{Ref: "refs/heads/main", Applied: strings.Repeat("a", 40), Head: head, Outcome: "failure", Run: "r0", Why: "pausing"},
					{Ref: "refs/heads/next", Head: head, Why: "remembered"},
				}},
				{Task: "blog", URL: "/srv/blog", Refs: []poller.RefStanding{}, Why: "no branch matches release/*"},
			}, nil
		},
		Poll: func(task string) bool { note("poll " + task); return true },
		Order: func(_ context.Context, task string, o poller.Order) (string, error) {
			if o.What == poller.Resume {
				return "", &poller.RefusedError{}
			}
			s.mu.Lock()
			s.people = append(s.people, o.Person)
			s.mu.Unlock()
			note(strings.TrimSpace(strings.Join([]string{o.What, task, o.Ref, o.SHA, o.Reason, "by", o.By}, " ")))
			return o.What + " by " + o.By, nil
		},
		Cancel: func(_ context.Context, run, by string) (string, error) {
			note("cancel " + run + " by " + by)
			return "cancelled", nil
		},
		Members: func(context.Context) (poller.Membership, error) {
			return poller.Membership{
				Members:  []poller.MemberStanding{{Name: "build-1", Capacity: 4, Behind: []string{"blog"}, Each: []poller.FleetStanding{{Task: "acme/shop", Ref: "refs/heads/main"}}}},
				Unpolled: []string{"blog"}, Disputed: []poller.Dispute{{Task: "blog", Definitions: [][]string{{"build-1"}, {"build-2"}}}},
			}, nil
		},
		Feed:    api.NewFeed(),
		History: s.history, Log: log,
	}
	o := page.Options{
		Config: page.Config{PageAddress: "127.0.0.1:0"}, API: s.api, Version: "1.2.3", Log: log,
		Repositories: func() map[string]page.Repository { return nil },
		Settings:     func(task string) string { return "name: " + task },
		Changes: func(context.Context, string, string, string, int) ([]page.Commit, error) {
			return []page.Commit{{SHA: head, Subject: "Fix <script>alert(1)</script>"}}, nil
		},
	}
	if change != nil {
		change(&o)
	}
	var err error
	if s.server, err = page.Listen(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	s.url = "http://" + s.server.Addr().String()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- s.server.Run(ctx) }()
	s.end = sync.OnceValue(func() error { cancel(); return <-ended })
	t.Cleanup(func() {
		if err := s.end(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// locked lets many write.
type locked struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *locked) Write(data []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(data)
}

// browser keeps cookies, and stays where it is.
type browser struct {
	*scene
	host    string // that it asks for, "" for the address
	cookies map[string]*http.Cookie
}

func (s *scene) browser() *browser { return &browser{s, s.host, map[string]*http.Cookie{}} }

// local is a browser that logged in by kitops page, as anna.
func (s *scene) local() *browser {
	s.t.Helper()
	invitation, err := s.server.Invite("anna")
	if err != nil {
		s.t.Fatal(err)
	}
	b := s.browser()
	if a := b.post("/login", url.Values{"code": {invitation.Code}}, "Origin", "null"); a.status != http.StatusSeeOther {
		s.t.Fatalf("log in: %d %s", a.status, a.body)
	}
	return b
}

type answer struct {
	status int
	header http.Header
	body   string
}

func (b *browser) get(path string, header ...string) answer {
	b.t.Helper()
	return b.send(http.MethodGet, path, nil, header...)
}

// post sends a form, as one of the page's own unless there is another origin.
func (b *browser) post(path string, form url.Values, header ...string) answer {
	b.t.Helper()
	if len(header) == 0 {
		header = []string{"Sec-Fetch-Site", "same-origin"}
	}
	return b.send(http.MethodPost, path, form, header...)
}

func (b *browser) send(method, path string, form url.Values, header ...string) answer {
	b.t.Helper()
	resp := b.open(method, path, form, header...)
	defer func() { _ = resp.Body.Close() }()
	data, err := io.ReadAll(resp.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	return answer{resp.StatusCode, resp.Header, string(data)}
}

// open leaves the body to be read.
func (b *browser) open(method, path string, form url.Values, header ...string) *http.Response {
	b.t.Helper()
	req, err := http.NewRequestWithContext(b.t.Context(), method, b.url+path, strings.NewReader(form.Encode()))
	if err != nil {
		b.t.Fatal(err)
	}
	req.Host = b.host
	if form != nil {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
		if header[i] == "Host" {
			req.Host = header[i+1]
		}
	}
	for _, c := range b.cookies {
		req.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, c := range resp.Cookies() {
		if b.cookies[c.Name] = c; c.MaxAge < 0 {
			delete(b.cookies, c.Name)
		}
	}
	return resp
}

// ran is a run in the history that printed this.
func (s *scene) ran(id, task, printed string) {
	s.t.Helper()
	r := s.begin(id, task)
	s.print(r, printed)
	s.finish(r)
}

func (s *scene) begin(id, task string) poller.Run {
	s.t.Helper()
	r := poller.Run{
		ID: id, Task: task, Attempt: 1, Started: time.Now().UTC(), Outcome: poller.Pending,
		Revision: git.Revision{Ref: "refs/heads/main", SHA: head},
	}
	s.history.Observe(poller.Event{Kind: poller.Started, Task: r.Task, Run: r})
	s.await(func() bool { _, err := s.history.Output(s.t.Context(), id); return err == nil })
	r.Action, r.Signer = "make", "anna"
	s.history.Observe(poller.Event{Kind: poller.ActionStarted, Task: r.Task, Run: r})
	return r
}

func (s *scene) print(r poller.Run, text string) {
	s.history.Observe(poller.Event{Kind: poller.Printed, Task: r.Task, Run: r, Data: []byte(text)})
}

func (s *scene) finish(r poller.Run) {
	s.t.Helper()
	r.Outcome, r.Finished, r.Took = poller.Success, time.Now().UTC(), time.Second
	s.history.Observe(poller.Event{Kind: poller.Finished, Task: r.Task, Run: r})
	s.await(func() bool {
		row, err := s.history.Run(s.t.Context(), r.ID)
		return err == nil && row.Outcome == "success"
	})
}

func (s *scene) await(done func() bool) {
	s.t.Helper()
	for !done() {
		if s.t.Context().Err() != nil {
			s.t.Fatal("it never happens")
		}
	}
}

func (s *scene) logged() string {
	s.lines.mu.Lock()
	defer s.lines.mu.Unlock()
	return s.log.String()
}

func (s *scene) ordered() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.orders, "; ")
}
