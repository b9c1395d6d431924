package git

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/bittrance/kitops/poller/git/address"
	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/refs"
	"github.com/bittrance/kitops/poller/git/remote"
)

func TestMain(m *testing.M) {
	gittest.InMemory()
	goleak.VerifyTestMain(m)
}

func rounds(n, few int) int {
	if testing.Short() {
		return few
	}
	return n
}

// long leaves a test out with -short.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("long")
	}
}

func mirrorOf(t *testing.T, url string) *Mirror {
	t.Helper()
	u, err := address.ParseURL(url)
	if err != nil {
		t.Fatal(err)
	}
	transport := remote.NewTransport()
	t.Cleanup(transport.CloseIdleConnections)
	return &Mirror{URL: u, Dir: filepath.Join(t.TempDir(), "mirror"), Transport: transport}
}

// ways are all the ways to reach a repository.
func ways() map[string]func(t *testing.T, r *gittest.Repo) *Mirror {
	return map[string]func(t *testing.T, r *gittest.Repo) *Mirror{
		"path": func(t *testing.T, r *gittest.Repo) *Mirror { t.Helper(); return mirrorOf(t, r.Dir) },
		"file": func(t *testing.T, r *gittest.Repo) *Mirror { t.Helper(); return mirrorOf(t, "file://"+r.Dir) },
		"http": overHTTP,
		"ssh":  overSSH,
	}
}

// some are all of several ways, one with -short.
func some[T any](all map[string]T) map[string]T {
	maps.DeleteFunc(all, func(way string, _ T) bool { return testing.Short() && way != "http" })
	return all
}

// both are the names of the two ways that differ most, one with -short.
func both() []string {
	if testing.Short() {
		return []string{"http"}
	}
	return []string{"http", "path"}
}

func overHTTP(t *testing.T, r *gittest.Repo) *Mirror {
	t.Helper()
	return mirrorOf(t, gittest.ServeHTTP(t, filepath.Dir(r.Dir), gittest.HTTPOptions{})+"/repo.git")
}

func overSSH(t *testing.T, r *gittest.Repo) *Mirror {
	t.Helper()
	server := gittest.ServeSSH(t, filepath.Dir(r.Dir))
	m := mirrorOf(t, server.URL("repo.git"))
	m.Home = server.Home
	return m
}

func mustHeads(t *testing.T, m *Mirror, patterns ...string) []refs.Revision {
	t.Helper()
	heads, err := m.Heads(gittest.Generous(t), patterns)
	if err != nil {
		t.Fatal(err)
	}
	return heads
}

func mustCheckout(t *testing.T, m *Mirror, sha string) string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "parent", "workdir")
	if err := m.Checkout(gittest.Generous(t), refs.Revision{Ref: "refs/heads/main", SHA: sha}, dir, Options{}); err != nil {
		t.Fatal(err)
	}
	assertClean(t, m, dir)
	return dir
}

// assertClean says that nothing lies around but what should.
func assertClean(t *testing.T, m *Mirror, dir string) {
	t.Helper()
	left, _ := filepath.Glob(dir + ".*")
	for _, pattern := range []string{"tmp_*", "objects/pack/tmp_*"} {
		inside, _ := filepath.Glob(filepath.Join(m.Dir, pattern))
		left = append(left, inside...)
	}
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func mustFail(t *testing.T, m *Mirror, sha string) error {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "workdir")
	err := m.Checkout(gittest.Generous(t), refs.Revision{Ref: "refs/heads/main", SHA: sha}, dir, Options{})
	if err == nil {
		t.Fatal("checked out")
	}
	if _, statErr := os.Lstat(dir); statErr == nil {
		t.Errorf("%s exists after %v", dir, err)
	}
	assertClean(t, m, dir)
	return err
}

func read(t *testing.T, dir, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestHeadsAndCheckout(t *testing.T) {
	for way, reach := range ways() {
		t.Run(way, func(t *testing.T) {
			r := gittest.New(t)
			m := reach(t, r)
			if _, err := m.Heads(gittest.Generous(t), refs.Patterns{"HEAD"}); !errors.Is(err, remote.ErrEmpty) {
				t.Fatalf("empty repository: %v", err)
			}
			first := r.Commit(map[string]string{"a": "1", "sub/b": "2"})
			r.Git("tag", "--annotate", "--message", "a tag", "main")
			r.Git("push", "--quiet", "origin", "refs/tags/main")
			r.Switch("release/1.0")
			release := r.Commit(map[string]string{"a": "release"})
			r.Switch("topic")
			topic := r.Commit(map[string]string{"a": "topic"})

			want := []refs.Revision{{Ref: "refs/heads/main", SHA: first}}
			for _, patterns := range [][]string{{"HEAD"}, {"refs/heads/main"}, {"HEAD", "refs/heads/main", "refs/heads/nowhere"}} {
				if got := mustHeads(t, m, patterns...); !slices.Equal(got, want) {
					t.Errorf("%v: %v", patterns, got)
				}
			}
			want = append(want, refs.Revision{Ref: "refs/heads/release/1.0", SHA: release}, refs.Revision{Ref: "refs/heads/topic", SHA: topic})
			if got := mustHeads(t, m, "refs/heads/**"); !slices.Equal(got, want) {
				t.Errorf("all: %v", got)
			}
			if got := mustHeads(t, m, "HEAD", "refs/heads/*", "!refs/heads/main"); !slices.Equal(got, want[2:]) {
				t.Errorf("excluded: %v", got)
			}
			dir := mustCheckout(t, m, release)
			if read(t, dir, "a") != "release" || read(t, dir, "sub/b") != "2" {
				t.Error("wrong tree")
			}
			if err := m.Checkout(gittest.Generous(t), want[0], dir, Options{}); !errors.Is(err, fs.ErrExist) {
				t.Errorf("existing directory: %v", err)
			}
			tag := mustHeads(t, m, "refs/tags/*")
			if len(tag) != 1 || tag[0].SHA != r.SHA("refs/tags/main^{commit}") || tag[0].Name() != "main" {
				t.Errorf("tags: %v", tag)
			}
			if dir := mustCheckout(t, m, tag[0].SHA); read(t, dir, "a") != "1" {
				t.Error("wrong tree of the tag")
			}
		})
	}
}

func TestMovedBranches(t *testing.T) {
	for way, reach := range some(ways()) {
		t.Run(way, func(t *testing.T) {
			r := gittest.New(t)
			m := reach(t, r)
			base := r.Commit(map[string]string{"a": "base"})
			lost := r.Commit(map[string]string{"a": "lost"})
			r.Reset(base)
			if got := mustHeads(t, m, "HEAD"); got[0].SHA != base {
				t.Errorf("after the force push: %v", got)
			}
			r.Switch("topic")
			r.Commit(map[string]string{"a": "topic"})
			r.Delete("topic")
			if got := mustHeads(t, m, "refs/heads/**"); len(got) != 1 {
				t.Errorf("after the deletion: %v", got)
			}
			again := r.Commit(map[string]string{"a": "again"})
			if got := mustHeads(t, m, "refs/heads/topic"); len(got) != 1 || got[0].SHA != again {
				t.Errorf("after it was made again: %v", got)
			}
			if dir := mustCheckout(t, m, again); read(t, dir, "a") != "again" {
				t.Error("wrong tree")
			}
			r.Bare("reflog", "expire", "--expire=now", "--all")
			r.Bare("prune", "--expire=now")
			if err := mustFail(t, m, lost); !errors.Is(err, remote.ErrMoved) {
				t.Errorf("lost commit: %v", err)
			}
			if err := mustFail(t, m, strings.Repeat("12", 20)); !errors.Is(err, remote.ErrMoved) {
				t.Errorf("no such commit: %v", err)
			}
		})
	}
}

func TestOlderCommitWhereAllowed(t *testing.T) {
	for way, reach := range some(ways()) {
		t.Run(way, func(t *testing.T) {
			r := gittest.New(t)
			m := reach(t, r)
			older := r.Commit(map[string]string{"a": "older"})
			r.Commit(map[string]string{"a": "newer"})
			r.Bare("config", "uploadpack.allowReachableSHA1InWant", "true")
			if dir := mustCheckout(t, m, older); read(t, dir, "a") != "older" {
				t.Error("wrong tree")
			}
			if err := mustFail(t, m, strings.Repeat("12", 20)); !errors.Is(err, remote.ErrMoved) {
				t.Errorf("no such commit: %v", err)
			}
		})
	}
}

func TestOddHeads(t *testing.T) {
	for way, reach := range some(ways()) {
		t.Run(way, func(t *testing.T) {
			r := gittest.New(t)
			m := reach(t, r)
			sha := r.Commit(map[string]string{"a": "1"})
			r.Bare("update-ref", "--no-deref", "HEAD", sha)
			if got := mustHeads(t, m, "HEAD"); !slices.Equal(got, []refs.Revision{{Ref: "HEAD", SHA: sha}}) {
				t.Errorf("detached: %v", got)
			}
			r.Bare("symbolic-ref", "HEAD", "refs/heads/unborn")
			if _, err := m.Heads(gittest.Generous(t), refs.Patterns{"HEAD"}); err == nil || !strings.Contains(err.Error(), "--branch") {
				t.Errorf("unborn: %v", err)
			}
			if got := mustHeads(t, m, "refs/heads/*"); len(got) != 1 {
				t.Errorf("unborn, by name: %v", got)
			}
		})
	}
}

func TestManyRefs(t *testing.T) {
	t.Parallel()
	r := gittest.New(t)
	sha := r.Commit(map[string]string{"a": "1"})
	var packed strings.Builder
	packed.WriteString("# pack-refs with: peeled fully-peeled sorted \n")
	for i := range 10_000 {
		fmt.Fprintf(&packed, "%s refs/heads/many/%05d\n", sha, i)
	}
	gittest.Write(t, filepath.Join(r.Dir, "packed-refs"), packed.String())
	for name, reach := range some(ways()) {
		t.Run(name, func(t *testing.T) {
			if got := mustHeads(t, reach(t, r), "refs/heads/many/*", "HEAD"); len(got) != 10_001 || got[0].Ref != "refs/heads/main" {
				t.Errorf("%d heads", len(got))
			}
		})
	}
}
