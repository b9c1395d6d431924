package git

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/bittrance/kitops/poller/git/ancestry"
	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/mirror"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/refs"
)

// noise is text that does not compress to nothing.
func randomText(seed, size int) string {
	var out strings.Builder
	for i := 0; out.Len() < size; i++ {
		fmt.Fprintf(&out, "%d %x\n", i, i*i*(seed+7))
	}
	return out.String()
}

// TestHistoryGrowth follows many commits with a bounded history, which stays
// bounded, and with a full one, the packs of which stay few.
func TestHistoryGrowth(t *testing.T) {
	long(t)
	t.Parallel()
	r := gittest.New(t)
	r.Commit(map[string]string{"a": randomText(1, 100_000), "b": randomText(2, 100_000)})
	m := overHTTP(t, r)
	const commits = 60 // would be more than MaxPacks, and more than may be kept of the bounded history
	for i := range commits {
		rev := refs.Revision{Ref: "refs/heads/main", SHA: r.Commit(map[string]string{"c": randomText(i, 2000)})}
		mustHistory(t, m, rev, 4)
		mustHistory(t, m, rev, ancestry.FullHistory)
	}
	mustKeepSound(t, m)
	for history, bounds := range map[int][2]int{4: {4, 50}, ancestry.FullHistory: {commits + 1, commits + 1}} {
		dir := m.depot(history).dir
		packs, _ := filepath.Glob(filepath.Join(dir, "objects", "pack", "*.pack"))
		if len(packs) > mirror.MaxPacks {
			t.Errorf("%d commits: %d packs", history, len(packs))
		}
		count := strings.Count(gittest.Git(t, dir, "cat-file", "--batch-all-objects", "--batch-check"), " commit ")
		if count < bounds[0] || count > bounds[1] {
			t.Errorf("%d commits: %d kept", history, count)
		}
	}
}

// TestRewriteOfHistories cuts what is held of several branches to its depth.
func TestRewriteOfHistories(t *testing.T) {
	long(t)
	t.Parallel()
	for _, history := range []int{1, 3, ancestry.FullHistory} {
		t.Run(fmt.Sprint(history), func(t *testing.T) {
			r := gittest.New(t)
			m := overHTTP(t, r)
			r.Commit(map[string]string{"a": "0"})
			var revs []refs.Revision
			for i := range 5 {
				r.Switch(fmt.Sprintf("branch%d", i%2))
				r.Commit(map[string]string{fmt.Sprintf("f%d", i): randomText(i, 1000)})
				r.Git("merge", "--quiet", "--no-ff", "--strategy=ours", "--message=merge", "main")
				rev := refs.Revision{Ref: "refs/heads/" + r.Git("branch", "--show-current"), SHA: r.Commit(nil)}
				revs = append(revs, rev)
				r.Git("tag", "--annotate", "--message=x", fmt.Sprintf("v%d", i))
				r.PushTags()
				mustHistory(t, m, rev, history)
			}
			k := m.depot(history)
			b, err := mirror.Open(gittest.Generous(t), k.dir, k.depth, object.SHA1)
			if err != nil {
				t.Fatal(err)
			}
			if err := b.Rewrite(gittest.Generous(t), k.tagged); err != nil {
				t.Fatal(err)
			}
			b.Close()
			packs, _ := filepath.Glob(filepath.Join(k.dir, "objects", "pack", "*"))
			if len(packs) != 2 {
				t.Errorf("left are %v", packs)
			}
			mustKeepSound(t, m)
			depth := []string{fmt.Sprint("--depth=", history)}
			if history == ancestry.FullHistory {
				depth = nil
			}
			clone := filepath.Join(t.TempDir(), "clone")
			gittest.Git(t, r.Dir, slices.Concat([]string{"clone", "--quiet", "--bare", "--no-tags", "--no-single-branch"}, depth, []string{"file://" + r.Dir, clone})...)
			gittest.Git(t, clone, "update-ref", "-d", "refs/heads/main")
			if got, want := lines(t, k.dir, "rev-list", "--objects", "--all"), lines(t, clone, "rev-list", "--objects", "--branches"); !slices.Equal(got, want) {
				t.Errorf("%d objects, want %d", len(got), len(want))
			}
			last := revs[len(revs)-2:]
			for _, rev := range last {
				dir := mustHistory(t, m, rev, history)
				mustBeRepository(t, dir, rev.SHA)
				if history == 3 {
					mustBeAsCloned(t, dir, r, strings.TrimPrefix(rev.Ref, "refs/heads/"), history)
				}
			}
		})
	}
}

// TestCrashInRewrite leaves off anywhere between a new pack and the last old
// one. Nothing is lost, and nothing is thrown away.
func TestCrashInRewrite(t *testing.T) {
	r := gittest.New(t)
	m := overHTTP(t, r)
	var log bytes.Buffer
	m.Log = slog.New(slog.NewTextHandler(&log, nil))
	var rev refs.Revision
	for i := range 5 {
		rev = refs.Revision{Ref: "refs/heads/main", SHA: r.Commit(map[string]string{"a": randomText(i, 1000)})}
		mustHistory(t, m, rev, 2)
	}
	k := m.depot(2)
	whole := k.dir + ".whole"
	gittest.Git(t, filepath.Dir(k.dir), "clone", "--quiet", "--mirror", "--depth=2", "file://"+r.Dir, whole+".clone")
	if err := os.Rename(k.dir, whole); err != nil {
		t.Fatal(err)
	}
	for point := range 12 {
		if err := errors.Join(os.RemoveAll(k.dir), os.CopyFS(k.dir, os.DirFS(whole))); err != nil {
			t.Fatal(err)
		}
		b, err := mirror.Open(gittest.Generous(t), k.dir, k.depth, object.SHA1)
		if err != nil {
			t.Fatal(err)
		}
		old, _ := filepath.Glob(filepath.Join(k.dir, "objects", "pack", "*"))
		if err := b.Rewrite(gittest.Generous(t), nil); err != nil {
			t.Fatal(err)
		}
		b.Close()
		// What was removed comes back: all of it but the first files.
		var names string
		for i, path := range old {
			if filepath.Ext(path) == ".pack" {
				names += strings.TrimPrefix(strings.TrimSuffix(filepath.Base(path), ".pack"), "pack-") + "\n"
			}
			if i >= point {
				gittest.Write(t, path, read(t, filepath.Join(whole, "objects", "pack"), filepath.Base(path)))
			}
		}
		gittest.Write(t, filepath.Join(k.dir, mirror.Obsolete), names)
		mustHistory(t, m, rev, 2)
		if left, _ := filepath.Glob(filepath.Join(k.dir, "objects", "pack", "*")); len(left) != 2 {
			t.Errorf("left are %v", left)
		}
		if out := gittest.Fsck(t, k.dir); out != "" {
			t.Errorf("git fsck: %s", out)
		}
	}
	if log.Len() > 0 {
		t.Error(log.String())
	}
}

// TestDoubtfulHistory damages mirrors of histories. Checkouts are right, and one
// warning tells of it where something was lost.
func TestDoubtfulHistory(t *testing.T) {
	pack := func(m *Mirror, history int, ext string) string {
		found, _ := filepath.Glob(filepath.Join(m.depot(history).dir, "objects", "pack", "*"+ext))
		return found[0]
	}
	for name, harm := range map[string]func(m *Mirror, history int) error{
		"shallow gone": func(m *Mirror, history int) error {
			return os.RemoveAll(filepath.Join(m.depot(history).dir, object.Shallow))
		},
		"shallow of zeros": func(m *Mirror, history int) error {
			return os.WriteFile(filepath.Join(m.depot(history).dir, object.Shallow), []byte("\x00\x00"), 0o600)
		},
		"pack gone":  func(m *Mirror, history int) error { return os.Remove(pack(m, history, ".pack")) },
		"index gone": func(m *Mirror, history int) error { return os.Remove(pack(m, history, ".idx")) },
		"pack cut":   func(m *Mirror, history int) error { return os.Truncate(pack(m, history, ".pack"), 100) },
		"refs gone": func(m *Mirror, history int) error {
			return os.Remove(filepath.Join(m.depot(history).dir, object.PackedRefs))
		},
		"all is gone": func(m *Mirror, history int) error { return os.RemoveAll(m.depot(history).dir) },
		"bad obsolete": func(m *Mirror, history int) error {
			return os.WriteFile(filepath.Join(m.depot(history).dir, mirror.Obsolete), []byte("../x\n"), 0o600)
		},
	} {
		for _, history := range []int{3, ancestry.FullHistory}[:rounds(2, 1)] {
			t.Run(fmt.Sprint(name, history), func(t *testing.T) {
				t.Parallel()
				r := gittest.New(t)
				m := overHTTP(t, r)
				var log bytes.Buffer
				m.Log = slog.New(slog.NewTextHandler(&log, nil))
				for i := range 6 {
					r.Commit(map[string]string{"a": randomText(i, 1000), fmt.Sprint(i): "x"})
				}
				mustHistory(t, m, refs.Revision{Ref: "refs/heads/main", SHA: r.SHA("HEAD")}, history)
				for range rounds(2, 1) {
					rev := refs.Revision{Ref: "refs/heads/main", SHA: r.Commit(map[string]string{"a": "more"})}
					if err := harm(m, history); err != nil && !errors.Is(err, os.ErrNotExist) {
						t.Fatal(err)
					}
					dir := mustHistory(t, m, rev, history)
					mustBeRepository(t, dir, rev.SHA)
					mustBeAsCloned(t, dir, r, "main", history)
					mustKeepSound(t, m)
				}
				if n := strings.Count(log.String(), "level=WARN"); n > 2 {
					t.Errorf("%d warnings: %s", n, log.String())
				}
			})
		}
	}
}

// TestHistoriesTogether has tasks with different histories on one mirror.
func TestHistoriesTogether(t *testing.T) {
	long(t)
	r := gittest.New(t)
	m := overHTTP(t, r)
	for i := range 6 {
		rev := refs.Revision{Ref: "refs/heads/main", SHA: r.Commit(map[string]string{"a": randomText(i, 3000)})}
		var wait sync.WaitGroup
		for _, history := range []int{0, 0, 2, 3, ancestry.FullHistory, ancestry.FullHistory} {
			dir := filepath.Join(t.TempDir(), "workdir")
			wait.Go(func() {
				if err := m.Checkout(gittest.Generous(t), rev, dir, Options{DotGit: true, History: history}); err != nil {
					t.Error(err)
				}
			})
			wait.Go(func() {
				if err := m.Checkout(gittest.Generous(t), rev, dir+"-files", Options{}); err != nil {
					t.Error(err)
				}
			})
			wait.Wait()
			mustBeRepository(t, dir, rev.SHA)
		}
	}
	mustKeepSound(t, m)
}
