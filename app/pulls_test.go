package app_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/app/apptest"
)

// pullScene is a scene whose App may read pull requests.
func pullScene(t *testing.T) *scene {
	t.Helper()
	s := newScene(t, apptest.Options{})
	s.installation.SetPermissions(apptest.Permissions{"contents": "read", "pull_requests": "read"})
	s.app.Want(map[string]string{"pull_requests": "read"})
	s.AddUser("eve")
	return s
}

func (s *scene) pulls() []app.Pull {
	s.t.Helper()
	found, err := s.repo.Pulls(s.t.Context())
	if err != nil {
		s.t.Fatal(err)
	}
	return found
}

// asked counts the requests for a path since the last Reset.
func (s *scene) asked(path string) int {
	return s.Count(apptest.Filter{Kind: apptest.REST, Path: path})
}

func TestPulls(t *testing.T) {
	s := pullScene(t)
	fork := s.AddRepository("eve", "shop", apptest.RepositoryOptions{InMemory: true})
	own := s.shop.OpenPull("mona", apptest.PullOptions{Branch: "feature", Files: map[string]string{"a": "1"}})
	foreign := s.shop.OpenPull("eve", apptest.PullOptions{Branch: "patch", From: fork, Draft: true, Files: map[string]string{"b": "1"}})

	found := s.pulls()
	if len(found) != 2 {
		t.Fatalf("%+v", found)
	}
	a, b := found[0], found[1]
	if a.Number != own.Number || a.Head != own.Head() || a.HeadRef != "feature" || a.Base != "main" || a.BaseSHA != s.sha || a.Fork || a.Draft ||
		a.HeadRepository != "acme/shop" || a.Author.Login != "mona" || a.Author.Type != "User" || a.Owned {
		t.Errorf("of the repository: %+v", a)
	}
	if b.Number != foreign.Number || !b.Fork || !b.Draft || b.HeadRepository != "eve/shop" || !b.Owned || b.Author.Login != "eve" {
		t.Errorf("of a fork: %+v", b)
	}

	s.Reset()
	if again := s.pulls(); len(again) != 2 || s.asked("/repos/**") != 1 || s.Count(apptest.Filter{Path: "/repos/acme/shop/pulls", Status: http.StatusNotModified}) != 1 {
		t.Errorf("an idle look: %d requests", s.asked("/repos/**"))
	}
	sha := foreign.Push(map[string]string{"b": "2"})
	foreign.SetDraft(false)
	foreign.DeleteHead()
	own.Close()
	if found = s.pulls(); len(found) != 1 || found[0].Head != sha || found[0].Draft || !found[0].Fork || found[0].HeadRepository != "" || found[0].Owned {
		t.Errorf("after changes: %+v", found)
	}
}

// TestManyPulls: what is open costs nothing, only what has changed does.
func TestManyPulls(t *testing.T) {
	s := newScene(t, apptest.Options{})
	s.installation.SetPermissions(apptest.Permissions{"contents": "read", "pull_requests": "read"})
	s.app.Want(map[string]string{"pull_requests": "read"})
	large := s.AddRepository("acme", "large", apptest.RepositoryOptions{InMemory: true})
	large.SetHead("main", fmt.Sprintf("%040x", 1))
	s.repo = s.app.Repository("acme", "large")
	open := func(i int) *apptest.Pull {
		return large.OpenPull("mona", apptest.PullOptions{Branch: fmt.Sprintf("b%d", i), SHA: fmt.Sprintf("%040x", i+2)})
	}
	const many = 250
	all := make([]*apptest.Pull, many)
	for i := range all {
		all[i] = open(i)
	}
	if n := len(s.pulls()); n != many {
		t.Fatalf("%d pull requests", n)
	}
	s.Advance(time.Hour)
	s.pulls() // by a new token, for which GitHub has other ETags
	for range 3 {
		s.Reset()
		if n := len(s.pulls()); n != many || s.asked("/repos/**") > 1 {
			t.Errorf("%d pull requests for %d requests", n, s.asked("/repos/**"))
		}
	}
	for _, p := range all[:120] { // two pages of changes
		p.Close()
	}
	s.Reset()
	if n := len(s.pulls()); n != many-120 || s.asked("/repos/acme/large/pulls") > 3 {
		t.Errorf("%d pull requests for %d requests", n, s.asked("/repos/acme/large/pulls"))
	}
}

// TestPullsThatAreClosed are not read by who begins to look: of what is open nothing may be as new as they are.
func TestPullsThatAreClosed(t *testing.T) {
	s := pullScene(t)
	large := s.AddRepository("acme", "large", apptest.RepositoryOptions{InMemory: true})
	large.SetHead("main", fmt.Sprintf("%040x", 1))
	s.repo = s.app.Repository("acme", "large")
	for i := range 150 {
		large.OpenPull("mona", apptest.PullOptions{Branch: fmt.Sprintf("b%d", i), SHA: fmt.Sprintf("%040x", i+2)}).Close()
	}
	s.Advance(time.Hour)
	s.Reset()
	if n := len(s.pulls()); n != 0 || s.asked("/repos/acme/large/pulls") != 2 {
		t.Errorf("%d pull requests for %d requests", n, s.asked("/repos/acme/large/pulls"))
	}
	late := large.OpenPull("mona", apptest.PullOptions{Branch: "late", SHA: fmt.Sprintf("%040x", 1000)})
	if found := s.pulls(); len(found) != 1 || found[0].Number != late.Number {
		t.Errorf("%+v", found)
	}
}

func TestPullsThatMayNotBeRead(t *testing.T) {
	s := newScene(t, apptest.Options{})
	s.app.Want(map[string]string{"pull_requests": "read"})
	_, err := s.repo.Pulls(t.Context())
	lacking, is := errors.AsType[*app.PermissionError](err)
	if !is || lacking.Permission != "pull_requests" {
		t.Error(err)
	}
}

// TestNonsenseInPlaceOfPulls: the page of a proxy closes no pull request.
func TestNonsenseInPlaceOfPulls(t *testing.T) {
	s := pullScene(t)
	s.shop.OpenPull("mona", apptest.PullOptions{Branch: "feature", Files: map[string]string{"a": "1"}})
	s.pulls()
	for _, body := range []string{`{}`, `[{}]`, `<html>`, `[{"number":1,"state":"closed","head":{"sha":"x"},"base":{"ref":"main"}}]`} {
		s.Inject(apptest.Filter{Path: "/repos/acme/shop/pulls"}, 1, func(w http.ResponseWriter, _ *http.Request, _ http.Handler, _ <-chan struct{}) {
			_, _ = io.WriteString(w, body)
		})
		if _, err := s.repo.Pulls(t.Context()); err == nil {
			t.Errorf("%s is taken", body)
		}
	}
	if n := len(s.pulls()); n != 1 {
		t.Errorf("%d pull requests", n)
	}
}

func TestCommentsAndReviews(t *testing.T) {
	s := pullScene(t)
	p := s.shop.OpenPull("mona", apptest.PullOptions{Branch: "feature", Files: map[string]string{"a": "1"}})
	first := p.Comment("mona", "/kitops run "+p.Head())
	p.Comment("eve", "please")
	s.shop.EditComment(first, "/kitops run 1234567")
	found, err := s.repo.Comments(t.Context(), s.Now().Add(-time.Minute))
	if err != nil || len(found) != 2 {
		t.Fatal(found, err)
	}
	if c := found[0]; c.Author.Login != "eve" || c.Edited || c.Number != p.Number || c.Body != "please" || c.ByApp {
		t.Errorf("%+v", c)
	}
	if c := found[1]; c.ID != first || !c.Edited || c.Author.Login != "mona" {
		t.Errorf("%+v", c)
	}
	if late, err := s.repo.Comments(t.Context(), s.Now().Add(time.Hour)); err != nil || len(late) != 0 {
		t.Error(late, err)
	}

	p.Review("eve", "APPROVED", "")
	p.Review("mona", "COMMENTED", s.sha)
	p.Dismiss("eve")
	reviews, err := s.repo.Reviews(t.Context(), p.Number)
	if err != nil || len(reviews) != 2 || reviews[0].State != "DISMISSED" || reviews[0].SHA != p.Head() || reviews[1].Author.Login != "mona" || reviews[1].SHA != s.sha {
		t.Error(reviews, err)
	}
}

func TestMergesOfPulls(t *testing.T) {
	s := pullScene(t)
	p := s.shop.OpenPull("mona", apptest.PullOptions{Branch: "feature", Files: map[string]string{"a": "1"}})
	merge := func() app.Merge {
		t.Helper()
		m, err := s.repo.Merge(t.Context(), p.Number)
		if err != nil {
			t.Fatal(err)
		}
		return m
	}
	if m := merge(); m.SHA != "" || m.Conflict || m.Head != p.Head() || !m.Open || m.BaseSHA != s.sha {
		t.Errorf("not known yet: %+v", m)
	}
	p.SetMerge(s.sha, true) // any commit
	if m := merge(); m.SHA != s.sha || m.Conflict {
		t.Errorf("merged: %+v", m)
	}
	p.SetMerge("", false)
	if m := merge(); m.SHA != "" || !m.Conflict {
		t.Errorf("a conflict: %+v", m)
	}
	p.Close()
	if m := merge(); m.Open {
		t.Errorf("closed: %+v", m)
	}
}
