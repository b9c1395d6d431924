package git

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/bittrance/kitops/poller/git/gittest"
)

// threeCommits is a short history, with a merge of two branches.
func threeCommits(t *testing.T) (r *gittest.Repo, sha string) {
	t.Helper()
	r = gittest.New(t)
	r.Commit(map[string]string{"a": "1", "old/b": "1"})
	r.Switch("side")
	r.Commit(map[string]string{"c": "1"})
	r.Switch("main")
	r.Commit(map[string]string{"a": "2"})
	r.Git("merge", "--quiet", "--no-ff", "--message=merge", "side")
	return r, r.Commit(map[string]string{"old/b": "3"})
}

func emptyBare(t *testing.T, depth int) *bare {
	t.Helper()
	b, err := openBare(generous(t), filepath.Join(t.TempDir(), "bare"), depth)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.close() })
	return b
}

// send has a repository receive a pack of some objects.
func send(t *testing.T, b *bare, r *gittest.Repo, rev held, objects []string, told ...plumbing.Hash) error {
	t.Helper()
	pack := gittest.RawOutput(t, r.Dir, strings.Join(objects, "\n")+"\n", "pack-objects", "--stdout", "-q")
	_, err := b.receive(generous(t), &delivery{bytes.NewReader(pack), io.NopCloser(nil), told}, rev, 1<<30, nil)
	return err
}

func names(t *testing.T, r *gittest.Repo, args ...string) []string {
	t.Helper()
	return strings.Fields(r.Bare(append([]string{"rev-list", "--objects", "--no-object-names"}, args...)...))
}

// TestHolesInHistory sends a history without one of its objects, each in turn.
func TestHolesInHistory(t *testing.T) {
	r, sha := threeCommits(t)
	rev := held{ref: "refs/heads/main", id: plumbing.NewHash(sha)}
	all := names(t, r, "main")
	for _, depth := range []int{FullHistory, 5, 2} {
		needed := all
		if depth == 2 {
			needed = names(t, r, "main", "^main~1^1", "^main~1^2")
			needed = append(needed, names(t, r, "main~1^{tree}")...)
		}
		for _, hole := range all {
			b := emptyBare(t, depth)
			rest := slices.DeleteFunc(slices.Clone(all), func(id string) bool { return id == hole })
			err := send(t, b, r, rev, rest)
			if missed := slices.Contains(needed, hole); missed != (err != nil) {
				t.Errorf("depth %d without %s: %v", depth, r.Bare("cat-file", "-t", hole), err)
			}
			if left, _ := filepath.Glob(filepath.Join(b.dir, "objects", "pack", "*")); err != nil && len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		}
	}
	merge := plumbing.NewHash(r.SHA("main~1"))
	cut := append(names(t, r, "main", "^main~1"), names(t, r, "main~1^{tree}")...)
	cut = append(cut, merge.String())
	if err := send(t, emptyBare(t, 5), r, rev, cut); err == nil {
		t.Error("a history that nobody said is cut was taken")
	}
	b := emptyBare(t, 5)
	if err := send(t, b, r, rev, cut, merge, plumbing.NewHash(strings.Repeat("12", 20))); err != nil || !slices.Equal(b.shallow, []plumbing.Hash{merge}) {
		t.Errorf("cut at %v: %v", b.shallow, err)
	}
	if err := send(t, b, r, rev, names(t, r, "main~1")); err != nil || len(b.shallow) > 0 {
		t.Errorf("made whole, but cut at %v: %v", b.shallow, err)
	}
}

// TestOddHistory takes a past that no checkout could show.
func TestOddHistory(t *testing.T) {
	r := gittest.New(t)
	r.Commit(map[string]string{"a": "1"})
	blob := r.Bare("rev-parse", "main:a")
	odd := rawTree(t, r, "100644", ".git", blob, "100644", "a", blob)
	past := r.Bare("commit-tree", "-m", "odd", odd)
	sha := r.Bare("commit-tree", "-m", "sound", "-p", past, "main^{tree}")
	r.Bare("update-ref", "refs/heads/main", sha)
	for _, m := range []*Mirror{overHTTP(t, r), mirror(t, r.Dir)} {
		dir := mustHistory(t, m, Revision{"refs/heads/main", sha}, FullHistory)
		mustBeAsCloned(t, dir, r, "main", FullHistory)
		if err := m.Checkout(generous(t), Revision{"refs/heads/main", past}, dir+"-past", Options{DotGit: true, History: FullHistory}); err == nil {
			t.Error("checked out .git")
		}
	}
}

// TestLyingTags has a server say that a tag leads elsewhere.
func TestLyingTags(t *testing.T) {
	r, sha := threeCommits(t)
	r.Bare("tag", "--annotate", "--message=x", "v1", "main~1")
	r.Bare("tag", "--annotate", "--message=x", "v2", "main~1")
	backend := gittest.HTTPHandler(t, filepath.Dir(r.Dir), gittest.HTTPOptions{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		answer := httptest.NewRecorder()
		backend.ServeHTTP(answer, req)
		w.Header().Set("Content-Type", answer.Header().Get("Content-Type"))
		_, _ = io.WriteString(w, strings.Replace(answer.Body.String(), "v1 peeled:"+r.SHA("main~1"), "v1 peeled:"+r.SHA("main"), 1))
	}))
	t.Cleanup(server.Close)
	m := mirror(t, server.URL+"/repo.git")
	for _, history := range []int{3, FullHistory} {
		dir := mustHistory(t, m, Revision{"refs/heads/main", sha}, history)
		mustBeRepository(t, dir, sha)
		if got := gittest.Git(t, dir, "tag"); got != "v2" {
			t.Errorf("tags %s", got)
		}
	}
}

// TestDeepHistory walks 100,000 commits.
func TestDeepHistory(t *testing.T) {
	t.Parallel()
	r := gittest.New(t)
	var stream strings.Builder
	for i := range 100_000 {
		fmt.Fprintf(&stream, "commit refs/heads/main\nmark :%d\ncommitter x <x@example.com> %d +0000\ndata 1\nx\n", i+1, 1700000000+i)
		if i > 0 {
			fmt.Fprintf(&stream, "from :%d\n", i)
		}
		if i%1000 == 0 {
			fmt.Fprintf(&stream, "M 100644 inline f%d\ndata 1\nx\n", i/1000)
		}
		stream.WriteString("\n")
	}
	gittest.GitInput(t, r.Dir, stream.String(), "fast-import", "--quiet")
	for history, m := range map[int]*Mirror{FullHistory: overHTTP(t, r), 70_000: mirror(t, r.Dir)} {
		dir := mustHistory(t, m, Revision{"refs/heads/main", r.Bare("rev-parse", "main")}, history)
		want := "100000"
		if history > 0 {
			want = fmt.Sprint(history)
		}
		if got := gittest.Git(t, dir, "rev-list", "--count", "HEAD"); got != want {
			t.Errorf("%s commits, want %s", got, want)
		}
	}
}

// TestLocalHistory leaves a repository of this host as it is, whatever it looks
// like, and heeds the limit.
func TestLocalHistory(t *testing.T) {
	t.Parallel()
	r := gittest.New(t)
	large := strings.Repeat(randomText(1, 64<<10), 66) // which streams
	r.Commit(map[string]string{"large": large, "a": "1"})
	r.Bare("gc", "--quiet")
	r.Commit(map[string]string{"large": large + "2", "b": "2"})
	sha := r.Commit(map[string]string{"b": "3"})
	borrowing := filepath.Join(t.TempDir(), "borrowing")
	gittest.Git(t, r.Dir, "clone", "--quiet", "--shared", r.Dir, borrowing)
	shallowed := filepath.Join(t.TempDir(), "shallowed")
	gittest.Git(t, r.Dir, "clone", "--quiet", "--depth=2", "file://"+r.Dir, shallowed)
	before := fileContents(t, r.Dir)
	for path, commits := range map[string]string{r.Dir: "3", borrowing: "3", shallowed: "2"} {
		dir := mustHistory(t, mirror(t, path), Revision{"refs/heads/main", sha}, FullHistory)
		mustBeRepository(t, dir, sha)
		if got := gittest.Git(t, dir, "rev-list", "--count", "HEAD"); got != commits {
			t.Errorf("%s: %s commits", path, got)
		}
		if _, err := os.Stat(filepath.Join(dir, ".git", "objects", "info", "alternates")); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("borrows: %v", err)
		}
	}
	if !slices.Equal(before, fileContents(t, r.Dir)) {
		t.Error("the repository changed")
	}
	m := mirror(t, r.Dir)
	m.MaxSize = 10 << 10
	err := m.Checkout(generous(t), Revision{"refs/heads/main", sha}, filepath.Join(t.TempDir(), "workdir"), Options{DotGit: true})
	if !errors.Is(err, errTooMuch) {
		t.Errorf("beyond the limit: %v", err)
	}
}

func FuzzTags(f *testing.F) {
	id := strings.Repeat("12", 20)
	f.Add(pkt(id+" refs/tags/v1 peeled:"+id, id+" refs/tags/v2", flush))
	f.Add(pkt(id+" refs/tags/v1 peeled:x", flush))
	f.Fuzz(func(t *testing.T, answer []byte) {
		tags, count, err := readTags(newPktReader(bytes.NewReader(answer)))
		if err == nil && count < len(tags) {
			t.Error("more tags than there are")
		}
	})
}

// FuzzSoundTags has names of tags that no ref can have.
func FuzzSoundTags(f *testing.F) {
	f.Add("refs/tags/v1 refs/tags/v2")
	f.Add("refs/tags/v\n refs/heads/x refs/tags/a..b")
	f.Fuzz(func(t *testing.T, names string) {
		var tags []tag
		for name := range strings.SplitSeq(names, "\xff") {
			tags = append(tags, tag{ref: name})
		}
		for _, ref := range sound(tags) {
			if strings.ContainsAny(ref.ref, "\n\x00 ") {
				t.Errorf("%q was let through", ref.ref)
			}
		}
	})
}

// TestReadTags takes names as they come: what is sound is decided later.
func TestReadTags(t *testing.T) {
	id := strings.Repeat("12", 20)
	names := []string{"refs/tags/a", "refs/tags/a", "refs/heads/planted", "refs/tags/b\n" + id, "refs/tags/own/below"}
	var lines []string
	for _, name := range names {
		lines = append(lines, id+" "+name)
	}
	tags, count, err := readTags(newPktReader(bytes.NewReader(pkt(append(lines, flush)...))))
	if err != nil || count != len(names) || len(tags) != len(names) {
		t.Fatal(count, err)
	}
	for i, tag := range tags {
		if tag.ref != names[i] {
			t.Errorf("%q, want %q", tag.ref, names[i])
		}
	}
}

func FuzzShallow(f *testing.F) {
	id := strings.Repeat("12", 20)
	f.Add(append(pkt("shallow-info", "shallow "+id, "unshallow "+id, delim, "packfile"), "0009\x01PACK0000"...))
	f.Add(pkt("shallow-info", "shallow x", delim, "packfile"))
	f.Fuzz(func(t *testing.T, answer []byte) {
		cut, err := readToPack(newPktReader(bytes.NewReader(answer)))
		if err != nil && cut != nil || 40*len(cut) > len(answer) {
			t.Errorf("%d, %v", len(cut), err)
		}
	})
}

func FuzzCommit(f *testing.F) {
	id := strings.Repeat("12", 20)
	f.Add([]byte("tree " + id + "\nparent " + id + "\nparent " + id + "\nauthor x\n\nparent " + id + "\n"))
	f.Add([]byte("tree " + id + "\nparent x\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		c, err := parseCommit(plumbing.ZeroHash, object{plumbing.CommitObject, data})
		if err == nil && 48*len(c.parents)+46 > len(data) {
			t.Errorf("%d parents of %d bytes", len(c.parents), len(data))
		}
	})
}
