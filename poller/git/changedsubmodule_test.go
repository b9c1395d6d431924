package git

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/changes"
	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/refs"
)

// TestPathsSeeWhatIsBelowASubmodule: a link that came, moved or went counts wherever the patterns select one of the files
// that git names in the submodule itself.
func TestPathsSeeWhatIsBelowASubmodule(t *testing.T) {
	t.Parallel()
	lib := gittest.New(t)
	first := lib.Commit(map[string]string{"a.go": "1", "docs/x/y.md": "1", "same/z": "1"})
	second := lib.Commit(map[string]string{"a.go": "2", "docs/x/y.md": "2"})
	var below changes.List
	for name := range strings.Lines(diffed(lib, first, second)) {
		below = append(below, changes.Path{Name: "libs/b/" + strings.TrimSuffix(name, "\n")})
	}
	r := gittest.New(t)
	commits := []string{r.Commit(map[string]string{"a.go": "1", "libs/c/a.go": "1"})}
	for _, link := range []string{first, second} {
		r.Git("update-index", "--add", "--cacheinfo", "160000,"+link+",libs/b")
		r.Git("commit", "-q", "-m", "link")
		commits = append(commits, r.SHA("HEAD"))
	}
	r.Git("rm", "-q", "--cached", "libs/b")
	r.Git("commit", "-q", "-m", "no link")
	commits = append(commits, r.SHA("HEAD"))
	r.Push()
	m := mirrorOf(t, r.Dir)
	for i, to := range commits[1:] {
		moved, err := m.Changes(t.Context(), refs.Revision{Ref: "refs/heads/main", SHA: to}, commits[i], Options{})
		if want := diffed(r, commits[i], to); err != nil || len(moved) != 1 || moved.Lines() != want {
			t.Fatalf("%v\n%s\ngit:\n%s", err, moved.Lines(), want)
		}
		counts := func(want bool, patterns ...string) {
			if got := len(changes.Patterns(patterns).Select(moved)) > 0; got != want {
				t.Errorf("link %d: %v: %t", i, patterns, got)
			}
		}
		for _, path := range below {
			counts(true, path.Name)
		}
		counts(true, "!web/**")
		counts(true, "libs/**", "!libs/b/docs/**") // which leaves a.go
		counts(false, "libs/**", "!libs/b/**")
		counts(false, "libs/**", "!libs/b")
		counts(false, "!libs/b/")
		for _, beside := range []string{"*.go", "libs/c/", "libs/b.go", "libs/*.go", "b/**", "libs/b-*/**", "li"} {
			counts(false, beside)
		}
		random, seen := rand.New(rand.NewPCG(1, 2)), 0
		for range 3000 {
			segments := make([]string, 1+random.IntN(5))
			for at := range segments {
				segments[at] = gittest.Pick(random, "libs", "l*", "{libs,x}", "[a-l]ibs", "b", "?", "*", "**", "a.go", "*.{go,md}", "docs", "x", "{b/docs,x}", "y.md")
			}
			pattern := strings.Join(segments, "/") + gittest.Pick(random, "", "", "/")
			if (changes.Patterns{pattern}).Validate() == nil && len(changes.Patterns{pattern}.Select(below)) > 0 {
				counts(true, pattern)
				seen++
			}
		}
		if seen < 100 {
			t.Errorf("%d patterns that select something", seen)
		}
	}
}
