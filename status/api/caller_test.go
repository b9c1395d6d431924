package api_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/status/api"
)

// TestACallerSeesHisTasksOnly asks every route as somebody who sees one task of two and may give no orders.
func TestACallerSeesHisTasksOnly(t *testing.T) {
	t.Parallel()
	a := serve(t)
	a.end(a.beginOf("acme/shop", "r0"))
	a.end(a.beginOf("blog", "r1"))
	asked := ""
	who := api.Caller{Name: "anna", Sees: func(task string) bool { return task == "blog" }, Orders: func(_ context.Context, task string) error {
		asked = task
		return fmt.Errorf("anna may not push to %s: %w", task, api.ErrForbidden)
	}}
	for _, c := range []struct {
		method, path string
		status       int
		body, not    string
	}{
		{"GET", "tasks", 200, "blog", "shop"},
		{"GET", "tasks/blog", 200, "blog", "shop"},
		{"GET", "tasks/acme%2Fshop", 404, "no task", "github"},
		{"POST", "tasks/acme%2Fshop/poll", 404, "no task", "polls"},
		{"POST", "tasks/acme%2Fshop/pause", 404, "no task", "pause by"},
		{"POST", "tasks/blog/pause", 403, "anna may not push", "pause by"},
		{"POST", "tasks/blog/poll", 403, "anna may not push", "polls"},
		{"GET", "runs", 200, "r1", "r0"},
		{"GET", "runs?task=acme%2Fshop", 200, `"runs":[]`, "r0"},
		{"GET", "runs?before=r0", 404, "no run", "r1"},
		{"GET", "runs/r0", 404, "no run", "shop"},
		{"GET", "runs/r0/log", 404, "no run", "shop"},
		{"GET", "runs/r1", 200, "blog", "shop"},
		{"POST", "runs/r0/cancel", 404, "no run", "shop"},
		{"POST", "runs/r1/cancel", 403, "anna may not push", "cancelled"},
		{"DELETE", "runs/r0", 404, "no run", "shop"},
		{"DELETE", "runs/r1", 403, "anna may not push", "removed"},
	} {
		r := httptest.NewRequest(c.method, "/api/v1/"+c.path, http.NoBody)
		w := httptest.NewRecorder()
		a.handler.ServeHTTP(w, r.WithContext(api.WithCaller(r.Context(), who)))
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.body) || strings.Contains(w.Body.String(), c.not) {
			t.Errorf("%s %s: %d %s", c.method, c.path, w.Code, w.Body)
		}
	}
	if asked != "blog" {
		t.Errorf("asked for the right on %q", asked)
	}
}

// TestWhoCannotBeAskedForRightsIsNoRefusal tells a no from an outage.
func TestWhoCannotBeAskedForRightsIsNoRefusal(t *testing.T) {
	t.Parallel()
	a := serve(t)
	down := errors.New("GitHub does not answer")
	who := api.Caller{Name: "anna", Orders: func(context.Context, string) error { return down }}
	r := httptest.NewRequest(http.MethodPost, "/api/v1/tasks/blog/"+poller.Pause, http.NoBody)
	w := httptest.NewRecorder()
	a.handler.ServeHTTP(w, r.WithContext(api.WithCaller(r.Context(), who)))
	if w.Code != 503 || !strings.Contains(w.Body.String(), down.Error()) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
