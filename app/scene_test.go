package app_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"log/slog"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/app/apptest"
	"github.com/bittrance/kitops/poller/secret"
)

func TestMain(m *testing.M) {
	// Scenes wait more than they work: for a lag to be over, for a silence to be noticed.
	if err := flag.Set("test.parallel", "8"); err != nil {
		panic(err)
	}
	goleak.VerifyTestMain(m)
}

var leak = regexp.MustCompile(`ghs_[A-Za-z0-9._-]{10,}|eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}|PRIVATE KEY`)

// scene is the private repository acme/shop with one commit, an App installed on acme, and kitops' side of it.
type scene struct {
	*apptest.GitHub
	t            *testing.T
	shop         *apptest.Repository
	sha          string
	github       *apptest.App
	installation *apptest.Installation
	app          *app.App
	repo         *app.Repository
	log          *logbook
}

func newScene(t *testing.T, o apptest.Options, change ...func(*app.Options)) *scene {
	t.Helper()
	t.Parallel()
	s := &scene{GitHub: apptest.New(t, o), t: t, log: &logbook{}}
	s.AddOrg("acme")
	s.AddUser("mona")
	s.shop = s.AddRepository("acme", "shop", apptest.RepositoryOptions{Private: true})
	s.sha = s.shop.Push("main", map[string]string{"README.md": "# Shop\n"})
	s.github = s.RegisterApp("acme", "Kit Ops", apptest.AppOptions{
		Permissions: apptest.Permissions{"contents": "read", "statuses": "write"}, Public: true,
	})
	s.installation = s.github.Install("acme", nil)
	s.app = s.newApp(change...)
	s.repo = s.app.Repository("acme", "shop")
	t.Cleanup(func() {
		if found := leak.FindString(s.log.String()); found != "" {
			t.Errorf("a secret was logged: %.12s…", found)
		}
	})
	return s
}

func (s *scene) newApp(change ...func(*app.Options)) *app.App {
	s.t.Helper()
	transport := &http.Transport{}
	s.t.Cleanup(transport.CloseIdleConnections)
	o := app.Options{
		ID: s.github.ClientID, Key: app.Key{Literal: secret.New(string(s.github.PrivateKey()))}, APIURL: s.APIURL, Statuses: true,
		Transport: transport, Log: slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Timeout: time.Minute, Recheck: time.Hour, Lag: time.Nanosecond, // GitHub knows everything at once
	}
	for _, f := range change {
		f(&o)
	}
	a, err := app.New(o)
	if err != nil {
		s.t.Fatal(err)
	}
	return a
}

// asking again at once, so that tests need not wait.
func impatient(o *app.Options) { o.Recheck = time.Nanosecond }

func (s *scene) heads(refs ...string) map[string]string {
	s.t.Helper()
	heads, err := s.repo.Heads(s.t.Context(), refs)
	if s.clean(err) != nil {
		s.t.Fatal(err)
	}
	found := map[string]string{}
	for _, h := range heads {
		found[h.Ref] = h.SHA
	}
	return found
}

func (s *scene) headsError(refs ...string) error {
	s.t.Helper()
	_, err := s.repo.Heads(s.t.Context(), refs)
	return s.clean(err)
}

// clean passes an error on, and fails the test when it holds a secret.
func (s *scene) clean(err error) error {
	s.t.Helper()
	if err != nil && leak.MatchString(err.Error()) {
		s.t.Error("an error holds a secret")
	}
	return err
}

func (s *scene) wantMain() {
	s.t.Helper()
	if got := s.heads("refs/heads/main")["refs/heads/main"]; got != s.shop.Head("main") {
		s.t.Errorf("got %q, want %q", got, s.shop.Head("main"))
	}
}

// as fails the test unless err is an E.
func as[E error](t *testing.T, err error) E {
	t.Helper()
	e, ok := errors.AsType[E](err)
	if !ok {
		t.Fatalf("got %T %v, want %T", err, err, e)
	}
	return e
}

// wantError fails the test unless err is an E that says all the words.
func wantError[E error](t *testing.T, err error, words ...string) {
	t.Helper()
	_ = as[E](t, err)
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("error %q does not say %q", err, w)
		}
	}
}

func (s *scene) tokens() int {
	return s.Count(apptest.Filter{Method: http.MethodPost, Path: "/app/installations/*/access_tokens"})
}

func (s *scene) total() int { return s.Count(apptest.Filter{}) }

// status posts a status on the first commit.
func (s *scene) post(state string) error {
	return s.clean(s.repo.PostStatus(s.t.Context(), s.sha, app.Status{State: state, Context: "kitops/shop", Description: "words"}))
}

func background(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// logbook is a buffer for concurrent writers.
type logbook struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logbook) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logbook) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// want fails the test unless the words were logged so many times.
func (l *logbook) want(t *testing.T, words string, times int) {
	t.Helper()
	if n := strings.Count(l.String(), words); n != times {
		t.Errorf("%q logged %d times, want %d:\n%s", words, n, times, l)
	}
}
