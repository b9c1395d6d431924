//go:build servers && unix

package git

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/bittrance/kitops/poller/git/ancestry"
	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/refs"
)

// step is one of a repository's life.
type step struct {
	name string
	take func(t *testing.T, f *forge)
}

// life is what becomes of the repository super, which has part for a submodule.
func life() []step {
	commit := func(t *testing.T, f *forge, files map[string]string) {
		t.Helper()
		f.repos["super"].Commit(files)
	}
	return []step{
		{"first", func(t *testing.T, f *forge) {
			t.Helper()
			r := f.repos["super"]
			r.Write(map[string]string{"plain": "1", "run.sh": "#!/bin/sh\n", "dir/deep/file": "2", "target/of": "link", "large": randomText(1, 300_000)})
			mustDo(t, os.Chmod(filepath.Join(r.Work, "run.sh"), 0o755), os.Symlink("target", filepath.Join(r.Work, "link")))
			f.linked(t, "super", "libs/part", "../part.git")
		}},
		{"incremental", func(t *testing.T, f *forge) {
			t.Helper()
			f.repos["part"].Commit(map[string]string{"part": "newer", "more/of": "it"})
			f.link(t, "super", "libs/part", "../part.git", "")
			commit(t, f, map[string]string{"plain": "2", "dir/new": "3", "large": randomText(1, 300_000) + "more\n"})
		}},
		{"link and tags", func(t *testing.T, f *forge) {
			t.Helper()
			r := f.repos["super"]
			mustDo(t, os.Remove(filepath.Join(r.Work, "link")), os.RemoveAll(filepath.Join(r.Work, "dir")), os.Symlink("target", filepath.Join(r.Work, "dir")))
			commit(t, f, map[string]string{"link/is": "a directory"})
			r.Git("tag", "light")
			r.Git("tag", "--annotate", "--message=a tag", "v1")
			r.Git("tag", "--annotate", "--message=of a tag", "inner", "v1")
			r.PushTags()
		}},
		{"force-push", func(t *testing.T, f *forge) {
			t.Helper()
			f.repos["super"].Git("reset", "--quiet", "--hard", "HEAD~1")
			commit(t, f, map[string]string{"plain": "over"})
		}},
		{"rewind", func(t *testing.T, f *forge) {
			t.Helper()
			f.repos["super"].Reset("HEAD~2")
		}},
		{"60 commits", func(t *testing.T, f *forge) {
			t.Helper()
			var commits []map[string]string
			for i := range 60 {
				commits = append(commits, map[string]string{"plain": fmt.Sprint(i), fmt.Sprint("many/", i%7): randomText(i, 3000)})
			}
			f.repos["super"].History(commits...)
			f.repos["super"].Git("tag", "--annotate", "--message=late", "v2", "HEAD~1")
			f.repos["super"].PushTags()
		}},
		{"orphan", func(t *testing.T, f *forge) {
			t.Helper()
			r := f.repos["super"]
			r.Git("checkout", "--quiet", "--orphan", "anew")
			r.Git("rm", "--quiet", "-r", "--force", "many", "large")
			commit(t, f, map[string]string{"alone": "1"})
			r.Git("push", "--quiet", "--force", "origin", "anew:main")
		}},
	}
}

func mustDo(t *testing.T, errs ...error) {
	t.Helper()
	for _, err := range errs {
		if err != nil {
			t.Fatal(err)
		}
	}
}

// follower brings checkouts of all kinds through the life, by way of one server.
type follower struct {
	pool  *pool
	super *Mirror
	kept  *kept
}

func (b *follower) follow(t *testing.T, f *forge, sha string) {
	t.Helper()
	r := f.repos["super"]
	heads := mustHeads(t, b.super, "HEAD", "refs/heads/main")
	if len(heads) != 1 || heads[0] != (refs.Revision{Ref: "refs/heads/main", SHA: sha}) {
		t.Fatalf("heads: %v, want %s", heads, sha)
	}
	mustEqual(t, b.super, r, sha)
	b.kept.update(t, sha)
	gittest.MustHave(t, sha, gittest.Snapshot(t, b.kept.dir), gittest.Exported(t, r, sha))
	for _, history := range []int{1, 3, ancestry.FullHistory} {
		dir := mustHistory(t, b.super, heads[0], history)
		mustBeRepository(t, dir, sha)
		mustBeAsCloned(t, dir, r, "main", history)
	}
	f.equal(t, b.super, b.pool, sha)
	both := filepath.Join(t.TempDir(), "both")
	mustDo(t, b.super.Checkout(gittest.Generous(t), heads[0], both, Options{DotGit: true, Submodules: b.pool.get}))
	mustBeRepository(t, both, sha)
	mustBeRepository(t, filepath.Join(both, "libs", "part"), strings.Fields(r.Bare("ls-tree", sha, "libs/part"))[2])
	mustKeepSound(t, b.super)
}

// TestServers has kitops follow one repository by way of all servers, and
// compares what it checks out with what git does. .ci/git-servers installs what
// is needed and prints what of it went well.
func TestServers(t *testing.T) {
	f := newForge(t, "super", "part")
	servers := gitServers(t, f.root)
	followers := map[string]*follower{}
	for _, s := range servers {
		p := newPool(t)
		p.home = s.home
		m := p.at(s.url + "/super.git")
		followers[s.name] = &follower{p, m, keep(t, m, Options{})}
	}
	var mu sync.Mutex
	went := map[string]string{}
	steps := life()
	for i, step := range steps {
		step.take(t, f)
		sha := f.repos["super"].Bare("rev-parse", "main")
		f.cloned(t, sha)
		t.Run(step.name, func(t *testing.T) {
			for _, s := range servers {
				t.Run(s.name, func(t *testing.T) {
					t.Parallel()
					defer func() {
						mu.Lock()
						defer mu.Unlock()
						went[fmt.Sprint(s.name, i)] = map[bool]string{true: "FAILED", false: "ok"}[t.Failed()]
					}()
					followers[s.name].follow(t, f, sha)
				})
			}
		})
	}
	var table strings.Builder
	fmt.Fprintf(&table, "%-20s", "")
	for _, step := range steps {
		fmt.Fprintf(&table, "%-15s", step.name)
	}
	for _, s := range servers {
		fmt.Fprintf(&table, "\n%-20s", s.name)
		for i := range steps {
			fmt.Fprintf(&table, "%-15s", went[fmt.Sprint(s.name, i)])
		}
	}
	fmt.Println(table.String())
}
