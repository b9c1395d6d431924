//go:build unix

package main

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/bittrance/kitops/app/apptest"
)

// TestDocsExampleMonorepo has one webhook wake ten tasks, of which those run that a push concerns.
func TestDocsExampleMonorepo(t *testing.T) {
	s := newHookScene(t)
	repo := s.private("acme", "monorepo")
	all := strings.Fields("accounts api billing catalog docs gateway mail orders search web")
	files := map[string]string{"lib/x": "1\n", "README.md": "#\n"}
	for _, service := range all {
		files["services/"+service+"/Makefile"] = "deploy:\n\techo " + service + " >> " + s.path("deployed") + "\n"
	}
	s.write("deployed", "")
	sha := repo.Push("main", brings(t, "monorepo", files))
	deployed := func(what, want string) {
		t.Helper()
		for _, task := range all {
			s.await(what+": "+task, func() bool {
				said := repo.Statuses(sha)
				return slices.ContainsFunc(said, func(st apptest.Status) bool { return st.Context == "kitops/"+task && st.State == "success" })
			})
		}
		got := strings.Fields(s.read("deployed"))
		slices.Sort(got)
		if got := strings.Join(got, " "); got != want {
			t.Errorf("%s: deployed %q, want %q\n%s", what, got, want, s.story())
		}
		s.write("deployed", "")
	}
	s.serve(slices.Concat(s.example("monorepo/tasks.yaml"), s.listening(), []string{"--interval", "1h"})...)
	deployed("the first run", strings.Join(all, " "))
	push := func(files map[string]string) {
		t.Helper()
		before := sha
		sha = repo.Push("main", files)
		if d := s.app.Deliver(t.Context(), repo.PushEvent("refs/heads/main", before, sha)); d.StatusCode != http.StatusAccepted {
			t.Fatalf("the webhook: %+v", d)
		}
	}
	push(map[string]string{"services/search/index": "1\n"})
	deployed("a change of one service", "search")
	push(map[string]string{"lib/x": "2\n", "services/api/README.md": "# more\n"})
	deployed("a change of the library", "accounts api billing catalog docs mail orders")
	push(map[string]string{"services/gateway/schema.json": "{}\n"})
	deployed("a change for two", "gateway web")
	push(map[string]string{"Makefile": "all:\n"})
	deployed("a change for none", "")
}
