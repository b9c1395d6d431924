package webhook_test

import (
	"context"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/app/apptest"
	hidden "github.com/bittrance/kitops/poller/secret"
	"github.com/bittrance/kitops/webhook"
)

// scene is a GitHub with an App on one repository.
type scene struct {
	*apptest.GitHub
	app  *apptest.App
	shop *apptest.Repository
	head string
}

func newScene(t *testing.T) *scene {
	t.Helper()
	g := apptest.New(t, apptest.Options{})
	g.AddOrg("acme")
	s := &scene{GitHub: g, shop: g.AddRepository("acme", "shop", apptest.RepositoryOptions{})}
	s.head = s.shop.Push("main", nil)
	s.app = g.RegisterApp("acme", "deployer", apptest.AppOptions{
		Permissions: apptest.Permissions{"contents": "read"}, Events: []string{"push"},
		HookURL: "http://127.0.0.1:1/", WebhookSecret: "a secret of more than sixteen bytes",
	})
	s.app.Install("acme", apptest.Permissions{"contents": "read"})
	return s
}

// start runs something until the test ends.
func start(tb testing.TB, run func(context.Context) error) {
	tb.Helper()
	ctx, cancel := context.WithCancel(tb.Context())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	tb.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			tb.Error(err)
		}
	})
}

func (s *scene) readLog(t *testing.T, seen *webhook.Seen, events chan<- webhook.Event) {
	t.Helper()
	wire := &http.Transport{}
	t.Cleanup(wire.CloseIdleConnections)
	a, err := app.New(app.Options{
		ID: s.app.ClientID, Key: app.Key{Literal: hidden.New(string(s.app.PrivateKey()))}, APIURL: s.APIURL, Transport: wire,
	})
	if err != nil {
		t.Fatal(err)
	}
	log := &webhook.DeliveryLog{
		Get: func(ctx context.Context, path string) (webhook.Answer, error) {
			ans, err := a.Get(ctx, path)
			return webhook.Answer(ans), err
		},
		Interval: 10 * time.Millisecond, Seen: seen,
		Watched: func(id int64, _ string) bool { return id == s.shop.ID },
		Handle:  func(e webhook.Event) { events <- e },
		Load:    func(context.Context) (int64, error) { return 0, nil },
		Save:    func(context.Context, int64) error { return nil },
		Log:     slog.New(slog.DiscardHandler),
	}
	start(t, log.Run)
}

func (s *scene) expect(t *testing.T, events <-chan webhook.Event, sha string) {
	t.Helper()
	select {
	case e := <-events:
		n := e.Nudges[0]
		if n.URL+".git" != s.shop.CloneURL() || n.Ref != "refs/heads/main" || n.SHA != sha || n.RepositoryID != s.shop.ID || e.GUID == "" {
			t.Errorf("%+v", e)
		}
	case <-time.After(time.Minute):
		t.Fatal("nobody was nudged")
	}
}

func TestGitHubReachesTheEndpoint(t *testing.T) {
	s := newScene(t)
	secrets, err := webhook.LiteralSecrets(hidden.New("a secret of more than sixteen bytes"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	events := make(chan webhook.Event, 10)
	seen := webhook.NewSeen()
	server, err := webhook.Listen(t.Context(), webhook.Options{
		Addr: "127.0.0.1:0", Secrets: secrets, Seen: seen, Log: slog.New(slog.DiscardHandler),
		Handle: func(e webhook.Event) { events <- e },
		Health: func() []webhook.TaskHealth { return nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	start(t, server.Run)
	app := s.RegisterApp("acme", "reachable", apptest.AppOptions{
		Permissions: apptest.Permissions{"contents": "read"}, WebhookSecret: "a secret of more than sixteen bytes",
		HookURL: "http://" + server.Addr().String() + "/webhook",
	})
	after := s.shop.Push("main", nil)
	d := app.Deliver(t.Context(), s.shop.PushEvent("refs/heads/main", s.head, after))
	if d.StatusCode != http.StatusAccepted || !seen.Has(d.GUID) {
		t.Errorf("%+v", d)
	}
	s.expect(t, events, after)
	if d := app.Deliver(t.Context(), apptest.Event{Name: "ping", Payload: map[string]any{"zen": "calm"}}); d.StatusCode != http.StatusOK {
		t.Errorf("%+v", d)
	}
}

func TestGitHubsDeliveryLogIsFollowed(t *testing.T) {
	s := newScene(t)
	events := make(chan webhook.Event, 10)
	seen := webhook.NewSeen()
	s.readLog(t, seen, events)
	after := s.shop.Push("main", nil)
	if d := s.app.Deliver(t.Context(), s.shop.PushEvent("refs/heads/main", s.head, after)); d.StatusCode != http.StatusBadGateway {
		t.Errorf("the delivery arrived: %+v", d)
	}
	s.expect(t, events, after)
}
