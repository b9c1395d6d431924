//go:build unix

package main

import (
	"fmt"
	"testing"

	"github.com/bittrance/kitops/app/apptest"
)

// TestSubmodulesGetTheTokensTheyAreListedFor has a submodule that the App
// reaches, a public one, and one that the App could read but must not.
func TestSubmodulesGetTheTokensTheyAreListedFor(t *testing.T) {
	s := newScene(t, apptest.Options{})
	lib := s.AddRepository("acme", "lib-one", apptest.RepositoryOptions{Private: true})
	public := s.AddRepository("acme", "public", apptest.RepositoryOptions{})
	secret := s.AddRepository("acme", "secret", apptest.RepositoryOptions{Private: true})
	modules := func(names ...string) string {
		text := ""
		for _, name := range names {
			text += fmt.Sprintf("[submodule %q]\n\tpath = sub/%s\n\turl = ../%s\n", name, name, name)
		}
		return text
	}
	files := map[string]string{
		"sub/lib-one": apptest.Submodule(lib.Push("main", map[string]string{"code": "library\n"})),
		"sub/public":  apptest.Submodule(public.Push("main", map[string]string{"code": "public\n"})),
		".gitmodules": modules("lib-one", "public"),
	}
	first := s.shop.Push("main", files)
	flags := s.tasks(`
tasks:
  - name: shop
    git: {url: $GITHUB/acme/shop, branch: main, submodules: true, submodule_credentials: ["acme/lib-*"]}
    actions:
      - run: cat sub/*/code > $PLACE/code; echo ${DOLLAR}KITOPS_SHA >> $PLACE/ran
`)
	s.once(0, flags...)
	if got := s.read("code"); got != "library\npublic\n" {
		t.Errorf("submodules: %q", got)
	}
	s.wantSaid(first, "pending", "success")
	for path, auth := range map[string]apptest.Auth{"lib-one": apptest.AsInstallation, "public": apptest.Anonymous} {
		for _, r := range s.Requests(apptest.Filter{Kind: apptest.Git, Path: "/acme/" + path + "*/**"}) {
			if r.Auth != auth {
				t.Errorf("%s was asked as %s", path, r.Auth)
			}
		}
	}

	files["sub/secret"] = apptest.Submodule(secret.Push("main", map[string]string{"code": "secret\n"}))
	files[".gitmodules"] = modules("lib-one", "public", "secret")
	second := s.shop.Push("main", files)
	wantWords(t, s.once(1, flags...), "sub/secret", "acme/secret", "authentication required")
	s.wantSaid(second, "pending", "error")
	s.wantRan(first)
	for _, r := range s.Requests(apptest.Filter{Kind: apptest.Git, Path: "/acme/secret*/**"}) {
		if r.Auth != apptest.Anonymous {
			t.Errorf("secret was asked as %s", r.Auth)
		}
	}
}
