package git

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/refs"
)

// diffed is what git says of two commits.
func diffed(r *gittest.Repo, commits ...string) string {
	out := r.Git(append([]string{"-c", "core.quotePath=false", "diff", "--name-only", "--no-renames"}, commits...)...)
	if out == "" {
		return ""
	}
	return out + "\n"
}

// scramble changes some of what is in a work tree: contents, modes, kinds and names.
func scramble(t *testing.T, r *gittest.Repo, random *rand.Rand) {
	t.Helper()
	names := []string{"a", "a-b", "b/x", "b/y/z", "b.c", "c/d/e/f", "ä", "with blank", "tab\tand \"quote\""}
	for range 1 + random.IntN(4) {
		name := gittest.Pick(random, names...)
		r.Git("rm", "-rq", "--cached", "--ignore-unmatch", name)
		blob := gittest.GitInput(t, r.Work, fmt.Sprint(random.IntN(4)), "hash-object", "-w", "--stdin")
		switch mode := gittest.Pick(random, "100644", "100644", "100755", "120000", "160000", ""); {
		case mode == "160000":
			r.Git("update-index", "--add", "--replace", "--cacheinfo", mode+","+strings.Repeat(fmt.Sprint(1+random.IntN(3)), 40)+","+name)
		case mode != "":
			if random.IntN(3) == 0 { // a directory in its place
				name += "/below"
			}
			r.Git("update-index", "--add", "--replace", "--cacheinfo", mode+","+blob+","+name)
		}
	}
	r.Git("commit", "-q", "--allow-empty", "-m", "scrambled")
}

// TestChangesAreThoseOfGitDiff compares many pairs of commits.
func TestChangesAreThoseOfGitDiff(t *testing.T) {
	t.Parallel()
	r := gittest.New(t)
	random := rand.New(rand.NewPCG(1, 2))
	r.Commit(map[string]string{"a": "1", "b/x": "2"})
	var shas []string
	for range 25 {
		scramble(t, r, random)
		shas = append(shas, r.SHA("HEAD"))
	}
	r.Push()
	http, here := overHTTP(t, r), mirrorOf(t, r.Dir)
	for i, sha := range shas {
		rev := refs.Revision{Ref: "refs/heads/main", SHA: sha}
		from := shas[random.IntN(i+1)]
		want := diffed(r, from, sha)
		for what, m := range map[string]*Mirror{"http": http, "here": here} {
			all, err := m.Changes(t.Context(), rev, from, Options{})
			if err != nil || all.Lines() != want {
				t.Errorf("%s: %s to %s: %v\n%s\ngit:\n%s", what, from, sha, err, all.Lines(), want)
			}
		}
	}
}

// TestChangesOfANewBranch has branches that left the default branch in all ways be compared with the merge base.
func TestChangesOfANewBranch(t *testing.T) {
	t.Parallel()
	r := gittest.New(t)
	r.Commit(map[string]string{"a": "1", "lib/x": "1"})
	r.Commit(map[string]string{"a": "2"})
	r.Switch("straight")
	r.Commit(map[string]string{"b": "1"})
	r.Commit(map[string]string{"b": "2", "c/d": "1"})
	r.Switch("main")
	r.Commit(map[string]string{"a": "3"})
	r.Commit(map[string]string{"a": "4"})
	r.Switch("merging")
	r.Git("reset", "-q", "--hard", "straight")
	r.Git("merge", "-q", "--no-edit", "main")
	r.Commit(map[string]string{"e": "1"})
	r.Switch("main")
	r.Commit(map[string]string{"a": "5"})
	r.Switch("behind")
	r.Git("reset", "-q", "--hard", "main~2")
	r.Push()
	r.Bare("config", "uploadpack.allowFilter", "true")
	for what, m := range map[string]*Mirror{"http": overHTTP(t, r), "here": mirrorOf(t, r.Dir)} {
		for _, branch := range []string{"straight", "merging", "behind"} {
			rev := refs.Revision{Ref: "refs/heads/" + branch, SHA: r.SHA(branch)}
			all, err := m.Changes(t.Context(), rev, "", Options{})
			if want := diffed(r, "main..."+branch); err != nil || all.Lines() != want {
				t.Errorf("%s: %s: %v\n%s\ngit:\n%s", what, branch, err, all.Lines(), want)
			}
			base, err := m.MergeBase(t.Context(), rev, "refs/heads/main", Options{})
			if want := r.Git("merge-base", "main", branch); err != nil || base != want {
				t.Errorf("%s: %s: merge base %s, %v; git: %s", what, branch, base, err, want)
			}
		}
		main := refs.Revision{Ref: "refs/pull/1/head", SHA: r.SHA("main")} // into another branch than the default one
		all, err := m.Changes(t.Context(), main, "refs/heads/behind", Options{})
		if want := diffed(r, "behind...main"); err != nil || all.Lines() != want || want == "" {
			t.Errorf("%s: %v\n%s\ngit:\n%s", what, err, all.Lines(), want)
		}
		var doubt *DoubtError
		if _, err = m.Changes(t.Context(), main, "refs/heads/none", Options{}); !errors.As(err, &doubt) {
			t.Errorf("%s: %v", what, err)
		}
		if _, err = m.MergeBase(t.Context(), main, "refs/heads/none", Options{}); !errors.As(err, &doubt) {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestChangesInDoubt has nobody be told of a difference that is not known.
func TestChangesInDoubt(t *testing.T) {
	t.Parallel()
	r := gittest.New(t)
	first := r.Commit(map[string]string{"a": "1"})
	second := r.Commit(map[string]string{"a": "2"})
	r.Git("checkout", "-q", "--orphan", "alone")
	alone := r.Commit(map[string]string{"b": "1"})
	m := overHTTP(t, r)
	for what, of := range map[string]struct{ ref, sha, since string }{
		"a mirror without what was applied": {"main", second, first},
		"the default branch":                {"main", second, ""},
		"another history":                   {"alone", alone, ""},
	} {
		all, err := m.Changes(t.Context(), refs.Revision{Ref: "refs/heads/" + of.ref, SHA: of.sha}, of.since, Options{})
		var doubt *DoubtError
		if !errors.As(err, &doubt) {
			t.Errorf("%s: %v, %v", what, all, err)
		}
	}
	if left, _ := filepath.Glob(m.Dir + ".*"); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// TestChangesOfSeveralTasks has a mirror that is rewritten while one task has followed the branch and another one has not.
func TestChangesOfSeveralTasks(t *testing.T) {
	t.Parallel()
	r := gittest.New(t)
	random := rand.NewChaCha8([32]byte{})
	large := make([]byte, 300<<10)
	commit := func() refs.Revision {
		_, _ = random.Read(large)
		return refs.Revision{Ref: "refs/heads/main", SHA: r.Commit(map[string]string{"large": string(large)})}
	}
	m := overHTTP(t, r)
	last := commit()
	if err := m.Checkout(t.Context(), last, filepath.Join(t.TempDir(), "w"), Options{}); err != nil {
		t.Fatal(err)
	}
	for range 4 {
		next := commit()
		for task := range 2 {
			if all, err := m.Changes(t.Context(), next, last.SHA, Options{}); err != nil || all.Lines() != "large\n" {
				t.Errorf("task %d: %v %v", task, all, err)
			}
			if err := m.Checkout(t.Context(), next, filepath.Join(t.TempDir(), "w"), Options{}); err != nil {
				t.Fatal(err)
			}
		}
		last = next
	}
	packs, _ := filepath.Glob(filepath.Join(m.Dir, "objects/pack/*.pack"))
	if len(packs) > 3 {
		t.Errorf("nothing was rewritten: %v", packs)
	}
}

// TestHistoryTooLargeToLookInto is a doubt, as where a server that has no filters sends the files of all commits of a branch.
func TestHistoryTooLargeToLookInto(t *testing.T) {
	t.Parallel()
	r := gittest.New(t)
	r.Commit(map[string]string{"a": "1"})
	r.Git("checkout", "-q", "-b", "large")
	large := make([]byte, 1<<20)
	_, _ = rand.NewChaCha8([32]byte{}).Read(large)
	r.Commit(map[string]string{"b": string(large)})
	head := refs.Revision{Ref: "refs/heads/large", SHA: r.Commit(map[string]string{"b": "1"})}
	r.Push()
	m := overHTTP(t, r)
	m.MaxSize = 1 << 19
	all, err := m.Changes(t.Context(), head, "", Options{})
	var doubt *DoubtError
	if !errors.As(err, &doubt) {
		t.Errorf("%v, %v", all, err)
	}
}
