package git

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/ancestry"
	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/refs"
)

// historyWays are all the ways to ask for a history.
func historyWays() map[string]func(t *testing.T, r *gittest.Repo) *Mirror {
	all := ways()
	all["http version 0"] = func(t *testing.T, r *gittest.Repo) *Mirror {
		t.Helper()
		backend := gittest.HTTPHandler(t, filepath.Dir(r.Dir), gittest.HTTPOptions{})
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			req.Header.Del("Git-Protocol")
			backend.ServeHTTP(w, req)
		}))
		t.Cleanup(server.Close)
		return mirrorOf(t, server.URL+"/repo.git")
	}
	all["ssh version 0"] = func(t *testing.T, r *gittest.Repo) *Mirror {
		t.Helper()
		server := gittest.ServeSSH(t, filepath.Dir(r.Dir))
		server.Old = true
		m := mirrorOf(t, server.URL("repo.git"))
		m.Home = server.Home
		return m
	}
	return all
}

func mustHistory(t *testing.T, m *Mirror, rev refs.Revision, history int) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "workdir")
	if err := m.Checkout(gittest.Generous(t), rev, dir, Options{DotGit: true, History: history}); err != nil {
		t.Fatal(err)
	}
	assertClean(t, m, dir)
	return dir
}

// mustBeRepository holds a checkout to what git says of it. The short form leaves
// out what status tells as well.
func mustBeRepository(t *testing.T, dir, sha string) {
	t.Helper()
	type check struct {
		want string
		args []string
	}
	checks := []check{
		{"", []string{"diff-files"}}, // which looks at no content unless it must
		{"# branch.oid " + sha + "\n# branch.head (detached)", []string{"status", "--porcelain=v2", "--branch", "--ignored", "--untracked-files=all"}},
	}
	if !testing.Short() {
		checks = append(checks, check{sha + " HEAD", []string{"show-ref", "--head", "--heads"}}, check{"", []string{"diff", "HEAD"}})
	}
	for _, check := range checks {
		git := exec.CommandContext(t.Context(), "git", check.args...)
		git.Dir, git.Env = dir, gittest.Environ()
		if out, err := git.CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != check.want {
			t.Errorf("git %s: %v\n%s", strings.Join(check.args, " "), err, out)
		}
	}
	if out := gittest.Fsck(t, dir); out != "" {
		t.Errorf("git fsck: %s", out)
	}
	packed, err := os.ReadFile(filepath.Join(dir, ".git", "packed-refs"))
	if heads, _ := filepath.Glob(filepath.Join(dir, ".git", "refs", "heads", "*")); len(heads) > 0 || err == nil && bytes.Contains(packed, []byte(" refs/heads/")) {
		t.Errorf("branches: %q, %s", heads, packed)
	}
}

// lines are what git prints, sorted.
func lines(t *testing.T, dir string, args ...string) []string {
	t.Helper()
	found := strings.Split(gittest.Git(t, dir, args...), "\n")
	slices.Sort(found)
	return found
}

// clone is what git answers about a clone of one branch: all commits with their
// parents and all objects, refs to commits and their tags, and the ids of the
// commits alone.
type clone struct{ objects, refs, ids []string }

func askClone(t *testing.T, dir, branch string) clone {
	t.Helper()
	return clone{
		objects: lines(t, dir, "rev-list", "--objects", "--parents", "HEAD"),
		refs:    lines(t, dir, "for-each-ref", "--format=%(refname)=%(objectname)=%(*objectname)", "refs/tags", "refs/remotes/origin/"+branch),
	}
}

// split are the refs that are tags, and the others.
func (c clone) split() (tags, others []string) {
	for _, ref := range c.refs {
		if strings.HasPrefix(ref, "refs/tags/") {
			tags = append(tags, ref)
		} else {
			others = append(others, ref)
		}
	}
	return tags, others
}

// cloned is git's own clone of a branch.
func cloned(t *testing.T, r *gittest.Repo, branch string, history int) clone {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "clone")
	args := []string{"clone", "--quiet", "--no-checkout", "--single-branch", "--branch", branch}
	if history != ancestry.FullHistory {
		args = append(args, fmt.Sprint("--depth=", max(history, 1)))
	}
	gittest.Git(t, r.Dir, append(args, "file://"+r.Dir, dir)...)
	c := askClone(t, dir, branch)
	c.ids = lines(t, dir, "rev-list", "HEAD")
	return c
}

// mustBeAsCloned compares a checkout with what git clone makes of the branch.
func mustBeAsCloned(t *testing.T, dir string, r *gittest.Repo, branch string, history int) {
	t.Helper()
	sha, shallow := r.Tip(branch)
	want := gittest.Memo(r, fmt.Sprintln(branch, sha, shallow, history), func() clone { return cloned(t, r, branch, history) })
	got := askClone(t, dir, branch)
	tags, heads := got.split()
	_, wantedHeads := want.split()
	for _, c := range []struct {
		what      string
		got, want []string
	}{{"rev-list", got.objects, want.objects}, {"for-each-ref", heads, wantedHeads}} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s, %d commits: git %s: %d lines, want %d\n%v\n%v", branch, history, c.what, len(c.got), len(c.want), c.got, c.want)
		}
	}
	var wanted []string
	if history > 1 || history == ancestry.FullHistory {
		wanted = tagsInto(t, r, want.ids)
	}
	if !slices.Equal(tags, wanted) {
		t.Errorf("%s, %d commits: tags %v, want %v", branch, history, tags, wanted)
	}
}

// tagsInto are the tags of a repository that lead to some commits.
func tagsInto(t *testing.T, r *gittest.Repo, commits []string) []string {
	t.Helper()
	all := strings.Fields(r.Bare("for-each-ref", "--format=%(refname)=%(objectname)=%(*objectname)", "refs/tags"))
	if len(all) == 0 {
		return nil
	}
	ask := []string{"rev-parse"}
	for _, line := range all {
		ask = append(ask, strings.Split(line, "=")[0]+"^{}")
	}
	var found []string
	for i, target := range strings.Fields(r.Bare(ask...)) {
		if _, ok := slices.BinarySearch(commits, target); ok {
			found = append(found, all[i])
		}
	}
	slices.Sort(found)
	return found
}

// grow takes a step in the making of a history: commits, empty ones, branches,
// merges of one, two and unrelated branches, tags of all kinds.
func grow(t *testing.T, r *gittest.Repo, random *rand.Rand) {
	t.Helper()
	switch name := fmt.Sprintf("branch%d", random.IntN(4)); random.IntN(9) {
	case 0:
		r.Commit(nil)
	case 1:
		r.Switch(name)
	case 2:
		if r.Git("for-each-ref", "refs/heads/"+name) == "" {
			r.Git("switch", "--quiet", "--orphan", name)
		}
	case 3, 4:
		others := strings.Fields(r.Git("for-each-ref", "--format=%(refname)", "refs/heads"))
		random.Shuffle(len(others), func(i, j int) { others[i], others[j] = others[j], others[i] })
		args := []string{"merge", "--quiet", "--no-ff", "--allow-unrelated-histories", "--strategy=ours", "--message=merge"}
		r.Git(append(args, others[:min(len(others), 1+random.IntN(3))]...)...)
	}
	churn(t, r, random)
	r.Commit(nil)
	tag := fmt.Sprintf("v%d", random.IntN(20))
	switch random.IntN(5) {
	case 0:
		r.Git("tag", "--force", tag)
	case 1:
		r.Git("tag", "--force", "--annotate", "--message=a tag", tag)
	case 2:
		r.Git("tag", "--force", "--annotate", "--message=a tag", "inner")
		r.Git("tag", "--force", "--annotate", "--message=a tag of a tag", tag, "inner")
	case 3:
		r.Git("tag", "--force", "tree", "HEAD^{tree}")
	}
	r.PushTags()
}

// TestHistories compares checkouts of random histories with clones.
func TestHistories(t *testing.T) {
	for seed := range gittest.Rounds(1, 1) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(uint64(seed), 11))
			r := gittest.New(t)
			r.Commit(map[string]string{"a": "1"})
			for range 16 {
				grow(t, r, random)
			}
			branch := r.Git("branch", "--show-current")
			sha := r.SHA("HEAD")
			for way, reach := range some(historyWays()) {
				m := reach(t, r)
				for _, history := range []int{0, 2, 5, ancestry.FullHistory} {
					dir := mustHistory(t, m, refs.Revision{Ref: "refs/heads/" + branch, SHA: sha}, history)
					mustBeRepository(t, dir, sha)
					mustBeAsCloned(t, dir, r, branch, history)
					if t.Failed() {
						t.Fatalf("%s, %d commits", way, history)
					}
				}
			}
		})
	}
}

// TestFollowedHistories has mirrors follow a history while it grows, with
// branches that are pushed over and go back, and checkouts of older commits.
func TestFollowedHistories(t *testing.T) {
	long(t)
	for way, reach := range some(historyWays()) {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			random := rand.New(rand.NewPCG(uint64(len(way)), 13))
			r := gittest.New(t)
			r.Commit(map[string]string{"a": "1"})
			m := reach(t, r)
			for range gittest.Rounds(3, 2) {
				for range 1 + random.IntN(4) {
					grow(t, r, random)
				}
				if random.IntN(3) == 0 {
					back := strings.Fields(r.Git("rev-list", "--max-count=6", "HEAD"))
					r.Reset(back[random.IntN(len(back))])
				}
				branch, sha := r.Git("branch", "--show-current"), r.SHA("HEAD")
				for _, history := range []int{1, 3, ancestry.FullHistory} {
					dir := mustHistory(t, m, refs.Revision{Ref: "refs/heads/" + branch, SHA: sha}, history)
					mustBeRepository(t, dir, sha)
					mustBeAsCloned(t, dir, r, branch, history)
				}
			}
			mustKeepSound(t, m)
		})
	}
}

// mustKeepSound has git look at all that a mirror keeps.
func mustKeepSound(t *testing.T, m *Mirror) {
	t.Helper()
	kept, _ := filepath.Glob(m.Dir + "*")
	for _, dir := range kept {
		if !m.Keeps(dir) {
			t.Errorf("%s is none of the mirror's", dir)
		}
		if out := gittest.Fsck(t, dir); out != "" {
			t.Errorf("git fsck: %s", out)
		}
	}
}
