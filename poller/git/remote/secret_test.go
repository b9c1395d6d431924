package remote

import (
	"net/http"
	"testing"

	"github.com/bittrance/kitops/poller/git/address"
	"github.com/bittrance/kitops/poller/secret/secrettest"
)

func TestSessionsShowNoCredentials(t *testing.T) {
	u, err := address.ParseURL("https://hunter2-user:hunter2@host/a")
	if err != nil {
		t.Fatal(err)
	}
	access := &Access{URL: u}
	s, err := access.dialHTTP(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodGet, "https://host/a", nil)
	if err != nil {
		t.Fatal(err)
	}
	s.authorize(req)
	if user, password, _ := req.BasicAuth(); user != "hunter2-user" || password != "hunter2" {
		t.Error("the server is not told")
	}
	secrettest.Hidden(t, []string{"hunter2"}, access, s)
}
