package app_test

import (
	"net/http"
	"testing"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/app/apptest"
)

// TestPermissionsThatATaskWants: a token asks for what is wanted and granted, so that a permission which is not granted
// takes nothing else away, and one that is granted later needs no restart.
func TestPermissionsThatATaskWants(t *testing.T) {
	s := newScene(t, apptest.Options{}, func(o *app.Options) { o.Recheck = 1 })
	tokens := apptest.Filter{Method: http.MethodPost, Path: "/app/installations/*/access_tokens"}
	look := func(want int) {
		t.Helper()
		if _, err := s.repo.Heads(t.Context(), []string{"HEAD"}); err != nil {
			t.Fatal(err)
		}
		if n := s.Count(tokens); n != want {
			t.Errorf("%d tokens, want %d", n, want)
		}
	}
	look(1)
	s.app.Want(map[string]string{"checks": "write", "contents": "read"})
	look(1) // it is not granted
	s.installation.SetPermissions(apptest.Permissions{"contents": "read", "statuses": "write", "checks": "write"})
	s.app.Outdated("acme")
	look(2)
	look(2)
	s.app.Want(nil)
	look(3)
}
