//go:build unix

package main

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/bittrance/kitops/app/apptest"
)

// TestLFSWithTheAppsToken fetches what pointers stand for: the App's token goes to the repository alone, and what its answer
// gives to the store of objects. A budget that is used up is told as such.
func TestLFSWithTheAppsToken(t *testing.T) {
	s := newScene(t, apptest.Options{})
	lfs := s.shop.LFS()
	store := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Signature") != "signed" || r.Header.Get("Authorization") != "" {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		lfs.ServeHTTP(w, r)
	}))
	t.Cleanup(store.Close)
	lfs.Header = map[string]string{"X-Signature": "signed"}
	lfs.Href = func(_ *http.Request, oid string) string { return store.URL + "/lfs-objects/" + oid }
	files := map[string]string{".gitattributes": "*.bin filter=lfs diff=lfs merge=lfs -text\n", "a.bin": lfs.Add("one\n"), "other/b.bin": lfs.Add("two\n")}
	first := s.shop.Push("main", files)
	flags := s.tasks(`
tasks:
  - name: shop
    git: {url: $GITHUB/acme/shop, branch: main, lfs: true, sparse: ["/*", "!/other/"], checkout: reuse}
    actions:
      - run: cat *.bin > $PLACE/found; echo ${DOLLAR}KITOPS_SHA >> $PLACE/ran
`)
	s.once(0, flags...)
	if got := s.read("found"); got != "one\n" {
		t.Errorf("found %q", got)
	}
	if batches, objects := lfs.Asked(); len(batches) != 1 || !strings.HasPrefix(batches[0], "Basic ") || len(objects) != 1 {
		t.Errorf("asked with %q for %q", batches, objects)
	}
	for _, r := range s.Requests(apptest.Filter{Kind: apptest.Git, Path: "/acme/shop.git/info/lfs/**"}) {
		if r.Auth != apptest.AsInstallation {
			t.Errorf("asked as %s", r.Auth)
		}
	}
	s.wantSaid(first, "pending", "success")

	second := s.shop.Push("main", map[string]string{"other/b.bin": lfs.Add("three\n"), "top": "changed\n"})
	s.once(0, flags...)
	if batches, objects := lfs.Asked(); len(batches)+len(objects) != 0 {
		t.Errorf("asked again: %q %q", batches, objects)
	}
	s.wantSaid(second, "pending", "success")

	lfs.OnBatch = func(w http.ResponseWriter, _ *http.Request) bool {
		w.Header().Set("Content-Type", "application/vnd.git-lfs+json")
		w.WriteHeader(http.StatusForbidden)
		_, _ = fmt.Fprint(w, `{"message":"This repository is over its data quota. Account responsible for LFS bandwidth should purchase more data packs to restore access."}`)
		return true
	}
	third := s.shop.Push("main", map[string]string{"a.bin": lfs.Add("four\n")})
	wantWords(t, s.once(1, flags...), "Git LFS budget", "over its data quota")
	s.wantSaid(third, "pending", "error")
	s.wantRan(first, second)
}
