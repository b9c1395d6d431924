package api_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bittrance/kitops/status/api"
)

// TestMembers are told as docs/openapi.yaml says, to those who see every task.
func TestMembers(t *testing.T) {
	t.Parallel()
	a := serve(t)
	if status, body := a.ask("GET", "members"); status != http.StatusOK || !strings.Contains(body, `"unpolled":["blog"]`) {
		t.Errorf("%d %s", status, body)
	}
	w := httptest.NewRecorder()
	req := httptest.NewRequestWithContext(t.Context(), "GET", "/api/v1/members", http.NoBody)
	some := api.Caller{Name: "anna", Sees: func(task string) bool { return task == "acme/shop" }}
	a.handler.ServeHTTP(w, req.WithContext(api.WithCaller(t.Context(), some)))
	if w.Code != http.StatusNotFound || strings.Contains(w.Body.String(), "build-1") {
		t.Errorf("who sees some tasks: %d %s", w.Code, w.Body)
	}
}
