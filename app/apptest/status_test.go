package apptest_test

import (
	"strings"
	"testing"

	"github.com/google/go-github/v60/github"

	"github.com/bittrance/kitops/app/apptest"
)

func TestStatusesAreKeptInOrder(t *testing.T) {
	s := newScene(t, apptest.Options{})
	client, ctx := s.asInstallation(nil), t.Context()
	for _, state := range []string{"pending", "failure", "success"} {
		if _, _, err := client.Repositories.CreateStatus(ctx, "acme", "shop", s.sha, &github.RepoStatus{
			State: &state, Context: ptr("kitops/deploy"), Description: ptr(strings.Repeat("ü", 140)), TargetURL: ptr("https://example.com"),
		}); err != nil {
			t.Fatal(err)
		}
	}
	got := s.Statuses("acme", "shop", s.sha)
	if len(got) != 3 || got[0].State != "pending" || got[2].State != "success" || got[2].Creator != "kit-ops[bot]" {
		t.Errorf("%+v", got)
	}
	list, _, err := client.Repositories.ListStatuses(ctx, "acme", "shop", "heads/main", nil)
	if err != nil || len(list) != 3 || list[0].GetState() != "success" {
		t.Errorf("newest first: %v, %v", list, err)
	}
	if c, _, err := client.Repositories.GetCombinedStatus(ctx, "acme", "shop", "main", nil); err != nil || c.GetState() != "success" || c.GetTotalCount() != 1 {
		t.Errorf("combined: %v, %v", c, err)
	}
	if _, _, err := client.Repositories.CreateStatus(ctx, "acme", "shop", s.sha, &github.RepoStatus{State: ptr("error"), Context: ptr("other")}); err != nil {
		t.Fatal(err)
	}
	if c, _, err := client.Repositories.GetCombinedStatus(ctx, "acme", "shop", s.sha, nil); err != nil || c.GetState() != "failure" {
		t.Errorf("combined: %v, %v", c, err)
	}
}

func TestStatusesAreValidated(t *testing.T) {
	s := newScene(t, apptest.Options{Unchecked: true})
	token := s.installation.Token(nil)
	path := "/repos/acme/shop/statuses/"
	s.ask("POST", path+s.sha, token, `{`).want(t, 400, "Problems parsing JSON")
	s.ask("POST", path+s.sha, token, `{}`).want(t, 422, "state")
	s.ask("POST", path+s.sha, token, `{"state":"running"}`).want(t, 422, "not included in the list")
	s.ask("POST", path+s.sha, token, `{"state":"success","description":"`+strings.Repeat("ü", 141)+`"}`).want(t, 422, "too long")
	s.ask("POST", path+s.sha, token, `{"state":"success","context":"`+strings.Repeat("c", 256)+`"}`).want(t, 422, "context")
	s.ask("POST", path+s.sha, token, `{"state":"success","target_url":"ftp://x"}`).want(t, 422, "http(s)")
	s.ask("POST", path+strings.Repeat("0", 40), token, `{"state":"success"}`).want(t, 422, "No commit found")
	s.ask("POST", path+"main", token, `{"state":"success"}`).want(t, 422, "No commit found")
	if n := len(s.shop.Statuses(s.sha)); n != 0 {
		t.Errorf("%d statuses were kept", n)
	}
}

func TestThousandStatusesAreTheEnd(t *testing.T) {
	s := newScene(t, apptest.Options{})
	s.shop.FillStatuses(s.sha, "full", 999)
	token := s.installation.Token(nil)
	path := "/repos/acme/shop/statuses/" + s.sha
	s.ask("POST", path, token, `{"state":"success","context":"full"}`).want(t, 201, "full")
	s.ask("POST", path, token, `{"state":"success","context":"full"}`).want(t, 422, "maximum number of statuses")
	s.ask("POST", path, token, `{"state":"success","context":"another"}`).want(t, 201, "another")
}
