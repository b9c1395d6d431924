package apptest_test

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-github/v60/github"

	"github.com/bittrance/kitops/app/apptest"
)

func itoa(n int64) string { return strconv.FormatInt(n, 10) }

func TestInstallationsAreFound(t *testing.T) {
	s := newScene(t, apptest.Options{})
	s.AddRepository("mona", "diary", apptest.RepositoryOptions{})
	client, ctx := s.asApp(), t.Context()

	if i, _, err := client.Apps.FindRepositoryInstallation(ctx, "acme", "shop"); err != nil || i.GetID() != s.installation.ID {
		t.Errorf("by repository: %v, %v", i, err)
	}
	if i, _, err := client.Apps.FindOrganizationInstallation(ctx, "acme"); err != nil || i.GetPermissions().GetStatuses() != "write" {
		t.Errorf("by organization: %v, %v", i, err)
	}
	if _, _, err := client.Apps.FindUserInstallation(ctx, "acme"); status(err) != 404 {
		t.Errorf("an organization is no user: %v", err)
	}
	if _, _, err := client.Apps.FindRepositoryInstallation(ctx, "mona", "diary"); status(err) != 404 {
		t.Errorf("public but not covered: %v", err)
	}
	if all, _, err := client.Apps.ListInstallations(ctx, nil); err != nil || len(all) != 1 {
		t.Errorf("list: %v, %v", all, err)
	}
	s.installation.Suspend()
	if i, _, err := client.Apps.GetInstallation(ctx, s.installation.ID); err != nil || i.SuspendedAt == nil {
		t.Errorf("suspended: %v, %v", i, err)
	}
	s.installation.Uninstall()
	if _, _, err := client.Apps.GetInstallation(ctx, s.installation.ID); status(err) != 404 {
		t.Errorf("uninstalled: %v", err)
	}
}

func TestTokensAreGivenWithinWhatIsGranted(t *testing.T) {
	s := newScene(t, apptest.Options{})
	client, ctx := s.asApp(), t.Context()
	make := func(o github.InstallationTokenOptions) (*github.InstallationToken, error) {
		token, _, err := client.Apps.CreateInstallationToken(ctx, s.installation.ID, &o)
		return token, err
	}

	token, err := make(github.InstallationTokenOptions{
		Permissions: &github.InstallationPermissions{Contents: ptr("read")}, Repositories: []string{"shop"},
	})
	if err != nil {
		t.Fatal(err)
	}
	if p := token.GetPermissions(); p.GetContents() != "read" || p.GetMetadata() != "read" || p.Statuses != nil || len(token.Repositories) != 1 {
		t.Errorf("narrowed token: %+v", token)
	}
	if left := token.GetExpiresAt().Sub(s.Now()); left > time.Hour || left < 50*time.Minute {
		t.Errorf("expires in %v", left)
	}
	for name, o := range map[string]github.InstallationTokenOptions{
		"more than granted":  {Permissions: &github.InstallationPermissions{Contents: ptr("write")}},
		"not granted":        {Permissions: &github.InstallationPermissions{Contents: ptr("read"), Checks: ptr("write")}},
		"unknown repository": {Repositories: []string{"shop", "nowhere"}},
		"unknown id":         {RepositoryIDs: []int64{1}},
	} {
		if _, err := make(o); status(err) != 422 {
			t.Errorf("%s: %v, want 422", name, err)
		}
	}
	if _, _, err := client.Apps.CreateInstallationToken(ctx, 1, &github.InstallationTokenOptions{}); status(err) != 404 {
		t.Errorf("unknown installation: %v", err)
	}
	s.installation.Suspend()
	if _, err := make(github.InstallationTokenOptions{}); status(err) != 403 {
		t.Errorf("suspended: %v", err)
	}
}

func TestTokenScopeIsEnforced(t *testing.T) {
	s := newScene(t, apptest.Options{})
	other := s.AddRepository("acme", "other", apptest.RepositoryOptions{Private: true})
	other.Push("main", nil)
	public := s.AddRepository("mona", "public", apptest.RepositoryOptions{})
	sha := public.Push("main", nil)
	const post = `{"state":"success"}`

	narrow := s.installation.Token(apptest.Permissions{"contents": "read"}, s.shop)
	s.ask("GET", "/repos/acme/shop/commits/main", narrow, "").want(t, 200, s.sha)
	s.ask("GET", "/repos/acme/other/commits/main", narrow, "").want(t, 404, "Not Found")
	s.ask("POST", "/repos/acme/shop/statuses/"+s.sha, narrow, post).want(t, 403, "Resource not accessible by integration")
	s.ask("GET", "/installation/repositories", narrow, "").want(t, 200, `"total_count":1`)

	blind := s.installation.Token(apptest.Permissions{"statuses": "write"})
	s.ask("GET", "/repos/acme/shop/commits/main", blind, "").want(t, 403, "Resource not accessible by integration")
	s.ask("POST", "/repos/acme/shop/statuses/"+s.sha, blind, post).want(t, 201, `"context":"default"`)
	s.ask("POST", "/repos/mona/public/statuses/"+sha, blind, post).want(t, 403, "Resource not accessible")
	s.ask("GET", "/repos/mona/public/commits/main", blind, "").want(t, 200, sha)

	s.ask("GET", "/repos/acme/shop", "", "").want(t, 404, "Not Found")
	s.ask("GET", "/repos/mona/public/commits/main", "", "").want(t, 200, sha)
	s.ask("POST", "/repos/mona/public/statuses/"+sha, "", post).want(t, 401, "Requires authentication")
	s.ask("GET", "/installation/repositories", "", "").want(t, 403, "installation access token")

	s.installation.SetRepositories(other)
	s.ask("GET", "/repos/acme/shop", s.installation.Token(nil), "").want(t, 404, "Not Found")
}

func TestTokensDie(t *testing.T) {
	ends := map[string]struct {
		end    func(*scene)
		status int
		words  string
	}{
		"expired":         {func(s *scene) { s.Advance(time.Hour) }, 401, "Bad credentials"},
		"revoked":         {func(s *scene) { s.installation.RevokeTokens() }, 401, "Bad credentials"},
		"uninstalled":     {func(s *scene) { s.installation.Uninstall() }, 401, "Bad credentials"},
		"suspended":       {func(s *scene) { s.installation.Suspend() }, 403, "suspended"},
		"permission gone": {func(s *scene) { s.installation.SetPermissions(nil) }, 403, "not accessible by integration"},
		"transferred":     {func(s *scene) { s.shop.Transfer("mona") }, 404, "Not Found"},
	}
	for name, c := range ends {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, apptest.Options{})
			token := s.installation.Token(nil)
			s.ask("GET", "/repos/acme/shop/commits/main", token, "").want(t, 200, s.sha)
			c.end(s)
			s.ask("GET", "/repos/acme/shop/commits/main", token, "").want(t, c.status, c.words)
		})
	}
}

func TestUnsuspendedTokensLiveAgain(t *testing.T) {
	s := newScene(t, apptest.Options{})
	token := s.installation.Token(nil)
	s.installation.Suspend()
	s.installation.Unsuspend()
	s.ask("GET", "/repos/acme/shop", token, "").want(t, 200, "acme/shop")
}

func TestLongTokens(t *testing.T) {
	s := newScene(t, apptest.Options{LongTokens: true})
	token := s.installation.Token(nil)
	if !strings.HasPrefix(token, "ghs_") || len(token) < 500 || len(token) > 540 {
		t.Errorf("%d characters: %s", len(token), token)
	}
	s.ask("GET", "/repos/acme/shop", token, "").want(t, 200, "acme/shop")
}

func TestRepositoriesOfAnInstallationArePaged(t *testing.T) {
	s := newScene(t, apptest.Options{})
	for i := range 120 {
		s.AddRepository("acme", fmt.Sprintf("r%03d", i), apptest.RepositoryOptions{InMemory: true, Private: true})
	}
	client := s.asInstallation(nil)
	seen, o := 0, &github.ListOptions{PerPage: 100}
	for {
		list, resp, err := client.Apps.ListRepos(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		seen += len(list.Repositories)
		if o.Page = resp.NextPage; o.Page == 0 {
			break
		}
	}
	if seen != 121 {
		t.Errorf("saw %d repositories, want 121", seen)
	}
	if n := s.Count(apptest.Filter{Path: "/app/installations/*/access_tokens"}); n != 1 {
		t.Errorf("%d tokens were asked for", n)
	}
}
