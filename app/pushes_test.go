package app_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/app/apptest"
)

// TestPushedByApp: who has pushed counts, whoever has written the commit; where GitHub does not tell, its author and committer do.
func TestPushedByApp(t *testing.T) {
	s := newScene(t, apptest.Options{})
	own := func(ref, sha string) bool {
		t.Helper()
		own, err := s.repo.PushedByApp(t.Context(), ref, sha)
		if err != nil {
			t.Fatal(err)
		}
		return own
	}
	if own("refs/heads/main", s.sha) {
		t.Error("a person's push is the App's")
	}
	second := s.shop.Push("main", nil)
	s.shop.PushedBy(second, s.github.Bot())
	if !own("refs/heads/main", second) {
		t.Error("the App's push is not")
	}
	other := s.RegisterApp("acme", "Kit", apptest.AppOptions{Public: true})
	third := s.shop.Push("main", nil)
	s.shop.PushedBy(third, other.Bot())
	if own("refs/heads/main", third) {
		t.Error("another App's push is this one's")
	}
	s.shop.SetHead("side", second) // a person brings the App's commit to another branch
	if own("refs/heads/side", second) || own("refs/pull/7/head", second) || !own("refs/heads/main", second) {
		t.Error("who has pushed to one branch is taken for who has pushed to another")
	}
	s.Reset()
	own("refs/heads/main", third)
	if n := s.Count(apptest.Filter{Path: "/**"}); n != 1 {
		t.Errorf("%d requests", n)
	}

	// An Enterprise Server that does not know activities, and a push that GitHub does not list any more.
	s.Inject(apptest.Filter{Path: "/repos/acme/shop/activity"}, 0, apptest.Fail(http.StatusNotFound, "Not Found"))
	if own("refs/heads/main", third) || own("refs/tags/v1", third) {
		t.Error("a commit of a person is the App's")
	}
	s.shop.CommittedBy(third, s.github.Bot())
	if !own("refs/heads/main", third) || own("refs/tags/v1", third) {
		t.Error("the App's own commit is not, or is for a tag")
	}
}

// TestPushedByAppIsToldLate: the list of pushes may be behind the branch for some seconds, in which a task that pushes would
// go round.
func TestPushedByAppIsToldLate(t *testing.T) {
	s := newScene(t, apptest.Options{}, func(o *app.Options) { o.Lag = 30 * time.Second })
	second := s.shop.Push("main", nil)
	s.shop.PushedBy(second, s.github.Bot())
	behind := `[{"id":1,"node_id":"x","before":"` + second + `","after":"` + s.sha + `","ref":"refs/heads/main","timestamp":"2026-01-01T00:00:00Z","activity_type":"push","actor":null}]`
	s.Inject(apptest.Filter{Path: "/repos/acme/shop/activity"}, 1, func(w http.ResponseWriter, _ *http.Request, _ http.Handler, _ <-chan struct{}) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(behind))
	})
	own, err := s.repo.PushedByApp(t.Context(), "refs/heads/main", second)
	if err != nil || !own {
		t.Errorf("%v, %v", own, err)
	}
}
