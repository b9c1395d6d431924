package apptest_test

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-github/v60/github"

	"github.com/bittrance/kitops/app/apptest"
)

const shaMedia = "application/vnd.github.sha"

func TestHeadsByTheSHAMediaType(t *testing.T) {
	s := newScene(t, apptest.Options{})
	s.shop.Push("release/2026/q4", nil)
	client := s.asInstallation(nil)
	for _, ref := range []string{"main", "heads/main", "heads/release/2026/q4"} {
		branch := strings.TrimPrefix(ref, "heads/")
		sha, _, err := client.Repositories.GetCommitSHA1(t.Context(), "acme", "shop", ref, "")
		if err != nil || sha != s.shop.Head(branch) {
			t.Errorf("%s: %q, %v", ref, sha, err)
		}
		if _, resp, err := client.Repositories.GetCommitSHA1(t.Context(), "acme", "shop", ref, sha); resp == nil || resp.StatusCode != http.StatusNotModified {
			t.Errorf("%s unchanged: %v", ref, err)
		}
	}
	if _, _, err := client.Repositories.GetCommitSHA1(t.Context(), "acme", "shop", "heads/nowhere", ""); status(err) != 422 {
		t.Errorf("no such branch: %v", err)
	}
}

func TestETagsFollowTheTokenButForTheSHA(t *testing.T) {
	s := newScene(t, apptest.Options{})
	first, second := s.installation.Token(nil), s.installation.Token(nil)
	const path = "/repos/acme/shop/commits/heads/main"

	etag := s.ask("GET", path, first, "", "Accept", shaMedia).header.Get("ETag")
	s.ask("GET", path, first, "", "Accept", shaMedia, "If-None-Match", etag).want(t, 304, "")
	s.ask("GET", path, second, "", "Accept", shaMedia, "If-None-Match", etag).want(t, 304, "")
	pushed := s.shop.Push("main", map[string]string{"new": ""})
	s.ask("GET", path, first, "", "Accept", shaMedia, "If-None-Match", etag).want(t, 200, pushed)

	for _, path := range []string{path, "/repos/acme/shop/git/matching-refs/heads/"} {
		etag = s.ask("GET", path, first, "").header.Get("ETag")
		s.ask("GET", path, first, "", "If-None-Match", etag).want(t, 304, "")
		s.ask("GET", path, second, "", "If-None-Match", etag).want(t, 200, pushed)
	}
}

func TestMatchingRefsComeAtOnceOrByPages(t *testing.T) {
	for _, paged := range []bool{false, true} {
		s := newScene(t, apptest.Options{PagedRefs: paged})
		if asked := s.matchingRefs(t); asked != map[bool]int{false: 1, true: 9}[paged] {
			t.Errorf("paged %v: %d requests", paged, asked)
		}
	}
}

func (s *scene) matchingRefs(t *testing.T) (asked int) {
	t.Helper()
	r := s.AddRepository("acme", "many", apptest.RepositoryOptions{InMemory: true})
	for i := range 250 {
		r.SetHead(fmt.Sprintf("feature/%03d", i), fmt.Sprintf("%040x", i+1))
	}
	r.SetHead("main", strings.Repeat("a", 40))
	client := s.asInstallation(nil)
	o := &github.ReferenceListOptions{Ref: "heads/feature/"}
	var names []string
	for {
		asked++
		refs, resp, err := client.Git.ListMatchingRefs(t.Context(), "acme", "many", o)
		if err != nil {
			t.Fatal(err)
		}
		for _, ref := range refs {
			names = append(names, ref.GetRef())
		}
		if o.Page = resp.NextPage; o.Page == 0 {
			break
		}
	}
	if len(names) != 250 || names[0] != "refs/heads/feature/000" || names[249] != "refs/heads/feature/249" {
		t.Errorf("%d names: %.200q", len(names), names)
	}
	if refs, _, err := client.Git.ListMatchingRefs(t.Context(), "acme", "many", &github.ReferenceListOptions{Ref: "tags"}); err != nil || len(refs) != 0 {
		t.Errorf("nothing matches: %v, %v", refs, err)
	}
	return asked
}

func TestRefsBranchesAndCommits(t *testing.T) {
	s := newScene(t, apptest.Options{})
	s.shop.SetRef("refs/tags/v1", s.sha)
	s.shop.SetHead("a/b", s.sha)
	client, ctx := s.asInstallation(nil), t.Context()

	if ref, _, err := client.Git.GetRef(ctx, "acme", "shop", "heads/a/b"); err != nil || ref.GetObject().GetSHA() != s.sha {
		t.Errorf("ref: %v, %v", ref, err)
	}
	if _, _, err := client.Git.GetRef(ctx, "acme", "shop", "heads/a"); status(err) != 404 {
		t.Errorf("half a ref: %v", err)
	}
	if b, _, err := client.Repositories.GetBranch(ctx, "acme", "shop", "a/b", 0); err != nil || b.GetCommit().GetSHA() != s.sha {
		t.Errorf("branch: %v, %v", b, err)
	}
	s.ask("GET", "/repos/acme/shop/branches/a/b", s.installation.Token(nil), "").want(t, 200, s.sha)
	if _, _, err := client.Repositories.GetBranch(ctx, "acme", "shop", "nowhere", 0); err == nil {
		t.Error("a branch that does not exist was found")
	}
	if all, _, err := client.Repositories.ListBranches(ctx, "acme", "shop", nil); err != nil || len(all) != 2 {
		t.Errorf("branches: %v, %v", all, err)
	}
	for _, ref := range []string{s.sha, "tags/v1", "v1"} {
		if c, _, err := client.Repositories.GetCommit(ctx, "acme", "shop", ref, nil); err != nil || c.GetSHA() != s.sha {
			t.Errorf("commit %s: %v, %v", ref, c, err)
		}
	}
	s.shop.SetHead("a/b", "")
	if _, _, err := client.Git.GetRef(ctx, "acme", "shop", "heads/a/b"); status(err) != 404 {
		t.Errorf("deleted branch: %v", err)
	}
	s.AddRepository("acme", "empty", apptest.RepositoryOptions{})
	if _, _, err := client.Git.ListMatchingRefs(ctx, "acme", "empty", &github.ReferenceListOptions{Ref: "heads"}); status(err) != 409 {
		t.Errorf("empty repository: %v", err)
	}
}

func TestRenamedRepositoriesRedirect(t *testing.T) {
	s := newScene(t, apptest.Options{})
	token := s.installation.Token(nil)
	s.shop.Rename("store")

	moved := s.ask("GET", "/repos/acme/shop/commits/heads/main?per_page=1", token, "")
	moved.want(t, 301, "Moved Permanently")
	if want := fmt.Sprintf("%s/repositories/%d/commits/heads/main?per_page=1", s.APIURL, s.shop.ID); moved.header.Get("Location") != want {
		t.Errorf("Location %s, want %s", moved.header.Get("Location"), want)
	}
	s.ask("GET", moved.header.Get("Location"), token, "").want(t, 200, s.sha)
	post := s.ask("POST", "/repos/acme/shop/statuses/"+s.sha, token, `{"state":"success"}`)
	post.want(t, 307, "")
	s.ask("POST", post.header.Get("Location"), token, `{"state":"success"}`).want(t, 201, "success")
	s.ask("GET", "/repos/acme/shop", "", "").want(t, 404, "Not Found")

	client := s.asInstallation(nil)
	if r, _, err := client.Repositories.Get(t.Context(), "acme", "shop"); err != nil || r.GetName() != "store" {
		t.Errorf("followed: %v, %v", r, err)
	}
	if i, _, err := s.asApp().Apps.FindRepositoryInstallation(t.Context(), "acme", "shop"); err != nil || i.GetID() != s.installation.ID {
		t.Errorf("installation of the old name: %v, %v", i, err)
	}
	impostor := s.AddRepository("acme", "shop", apptest.RepositoryOptions{Private: true})
	if r, _, err := client.Repositories.Get(t.Context(), "acme", "shop"); err != nil || r.GetID() != impostor.ID {
		t.Errorf("old name taken again: %v, %v", r, err)
	}
}

func TestDeletedAndMadeAgainIsAnother(t *testing.T) {
	s := newScene(t, apptest.Options{})
	s.shop.Delete()
	client := s.asInstallation(nil)
	if _, _, err := client.Repositories.Get(t.Context(), "acme", "shop"); status(err) != 404 {
		t.Errorf("deleted: %v", err)
	}
	s.AddRepository("acme", "shop", apptest.RepositoryOptions{Private: true})
	if r, _, err := client.Repositories.Get(t.Context(), "acme", "SHOP"); err != nil || r.GetID() == s.shop.ID {
		t.Errorf("made again: %v, %v", r, err)
	}
}

func TestArchivedAndDisabled(t *testing.T) {
	s := newScene(t, apptest.Options{})
	token := s.installation.Token(nil)
	s.shop.SetArchived(true)
	s.ask("GET", "/repos/acme/shop", token, "").want(t, 200, `"archived":true`)
	s.ask("POST", "/repos/acme/shop/statuses/"+s.sha, token, `{"state":"success"}`).want(t, 403, "archived")
	s.shop.SetDisabled(true)
	s.ask("GET", "/repos/acme/shop", token, "").want(t, 403, "blocked")
}

func TestEnterpriseLayout(t *testing.T) {
	s := newScene(t, apptest.Options{Enterprise: true})
	if s.APIURL != s.URL+"/api/v3" {
		t.Error(s.APIURL)
	}
	if sha, _, err := s.asInstallation(nil).Repositories.GetCommitSHA1(t.Context(), "acme", "shop", "heads/main", ""); err != nil || sha != s.sha {
		t.Errorf("%s, %v", sha, err)
	}
	s.shop.Rename("store")
	if _, _, err := s.asInstallation(nil).Repositories.Get(t.Context(), "acme", "shop"); err != nil {
		t.Error(err)
	}
	s.ask("GET", s.URL+"/repos/acme/shop", "", "").want(t, 404, "")
	if n := s.Count(apptest.Filter{Path: "/repos/acme/shop/**", Kind: apptest.REST}); n != 2 {
		t.Errorf("%d requests recorded under the plain path, want 2", n)
	}
}
