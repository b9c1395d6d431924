package app_test

import (
	"net/http"
	"testing"

	"github.com/bittrance/kitops/app/apptest"
)

func TestUseOfTheAPI(t *testing.T) {
	s := newScene(t, apptest.Options{})
	if _, err := s.repo.Heads(t.Context(), []string{"refs/heads/main"}); err != nil {
		t.Fatal(err)
	}
	before := s.app.Use()
	if _, err := s.repo.Heads(t.Context(), []string{"refs/heads/main"}); err != nil { // a 304 costs nothing
		t.Fatal(err)
	}
	after := s.app.Use()
	if after.Requests[http.StatusNotModified] != before.Requests[http.StatusNotModified]+1 || after.Requests[http.StatusOK] != before.Requests[http.StatusOK] {
		t.Errorf("%v, then %v", before.Requests, after.Requests)
	}
	if left := after.Remaining["acme"]; len(after.Remaining) != 1 || left <= 0 || left != before.Remaining["acme"] {
		t.Errorf("%v are left, then %v", before.Remaining, after.Remaining)
	}
}
