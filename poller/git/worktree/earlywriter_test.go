package worktree

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/mirror"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/remote"
)

// entriesOf are all objects of a revision as entries of a pack, in git's order.
func entriesOf(t *testing.T, r *gittest.Repo, sha string) (entries [][]byte, kinds []object.Kind) {
	t.Helper()
	for line := range strings.Lines(r.Bare("rev-list", "--objects", "--no-walk", sha) + "\n") {
		id := line[:40]
		kind, err := object.ParseKind(r.Bare("cat-file", "-t", id))
		if err != nil {
			t.Fatal(err)
		}
		content := gittest.RawOutput(t, r.Dir, "", "cat-file", kind.String(), id)
		entries = append(entries, gittest.RawEntry(t, kind, int64(len(content)), nil, content))
		kinds = append(kinds, kind)
	}
	return entries, kinds
}

// landed takes in a pack as a first checkout does, and says how many files
// were written by the time it was all there.
func landed(t *testing.T, sha string, pack []byte) (dir string, early int) {
	t.Helper()
	dir = t.TempDir()
	b, err := mirror.Open(t.Context(), filepath.Join(t.TempDir(), "mirror"), 1, object.SHA1)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { b.Close() }()
	id, _ := object.ParseID(sha)
	l := NewEarlyWriter(t.Context(), dir, id, FileOptions{Limit: 1 << 30})
	defer l.Close()
	if _, err := b.Receive(t.Context(), &remote.FetchResponse{Reader: bytes.NewReader(pack)}, mirror.Held{Ref: "refs/heads/main", ID: id}, 1<<30, l.On); err != nil {
		t.Fatal(err)
	}
	for _, written := range l.written {
		if written {
			early++
		}
	}
	read := b.Store.Reader().Read
	_, tree, err := object.CommitOf(t.Context(), id, read)
	if err != nil {
		t.Fatal(err)
	}
	w, err := l.Finish(t.Context(), tree, read)
	if err == nil {
		err = w.Finish(t.Context(), b.Store)
	}
	if err != nil {
		t.Fatal(err)
	}
	return dir, early
}

// TestLandingOrders takes in one revision in many orders of its objects.
func TestLandingOrders(t *testing.T) {
	t.Parallel()
	r := gittest.New(t)
	files := map[string]string{"empty": "", "z/empty": "", "run.sh": "#!/bin/sh\n", "a-b": "1", "a/b": "2", "a.b": "3"}
	for i := range 60 {
		files[fmt.Sprintf("d%d/e%d/f%d", i%3, i%4, i)] = fmt.Sprint("file ", i)
		files[fmt.Sprintf("twin%d/deep/f%d", i%2, i/2)] = fmt.Sprint("twin ", i/2)
	}
	r.Write(files)
	if err := os.Chmod(filepath.Join(r.Work, "run.sh"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("a/b", filepath.Join(r.Work, "d1", "link")); err != nil {
		t.Fatal(err)
	}
	sha := r.Commit(nil)
	entries, kinds := entriesOf(t, r, sha)
	want := gittest.Exported(t, r, sha)

	byKind := func(first func(object.Kind) bool) []int {
		var order, rest []int
		for i, kind := range kinds {
			if first(kind) {
				order = append(order, i)
			} else {
				rest = append(rest, i)
			}
		}
		return append(order, rest...)
	}
	isBlob := func(kind object.Kind) bool { return kind == object.KindBlob }
	asSent := byKind(func(object.Kind) bool { return true })
	backwards := slices.Clone(asSent)
	slices.Reverse(backwards)
	orders := map[string][]int{
		"as git sends": asSent, "trees first": byKind(func(kind object.Kind) bool { return !isBlob(kind) }), "blobs first": byKind(isBlob),
		"twice": append(slices.Clone(asSent), asSent...), "blobs around trees": append(byKind(isBlob), byKind(isBlob)...),
		"backwards": backwards,
	}
	for seed := range uint64(20) {
		orders[fmt.Sprint("random ", seed)] = rand.New(rand.NewPCG(seed, 3)).Perm(len(entries))
	}
	// A blob is there once; what it fills beyond the first tree that names it comes later.
	least := map[string]int{"as git sends": 90, "trees first": 90, "twice": 90}
	for name, order := range orders {
		pack := make([][]byte, len(order))
		for i, from := range order {
			pack[i] = entries[from]
		}
		dir, early := landed(t, sha, gittest.RawPack(uint32(len(pack)), pack...))
		if !maps.Equal(gittest.Snapshot(t, dir), want) {
			t.Errorf("%s: the checkout is another", name)
		}
		if early < least[name] {
			t.Errorf("%s: %d files were written while the pack came in", name, early)
		}
	}
}

// TestLandingBomb has ten trees stand for ten million directories.
func TestLandingBomb(t *testing.T) {
	r := gittest.New(t)
	tree := gittest.RawTree(t, r, "100644", "file", gittest.GitInput(t, r.Dir, "x", "hash-object", "-w", "--stdin"))
	for range 7 {
		var entries []string
		for i := range 10 {
			entries = append(entries, "40000", fmt.Sprint("d", i), tree)
		}
		tree = gittest.RawTree(t, r, entries...)
	}
	sha := gittest.CommitTree(t, r, tree)
	dir := t.TempDir()
	id, _ := object.ParseID(sha)
	l := NewEarlyWriter(t.Context(), dir, id, FileOptions{Limit: 1 << 30})
	defer l.Close()
	for line := range strings.Lines(r.Bare("rev-list", "--objects", "--no-walk", sha) + "\n") {
		kind, err := object.ParseKind(r.Bare("cat-file", "-t", line[:40]))
		if err != nil {
			t.Fatal(err)
		}
		id, _ := object.ParseID(line[:40])
		if kind == object.KindBlob {
			continue
		}
		if err := l.meta(id, object.Object{Kind: kind, Data: gittest.RawOutput(t, r.Dir, "", "cat-file", kind.String(), line[:40])}); err != nil {
			t.Fatal(err)
		}
	}
	if made := len(gittest.Snapshot(t, dir)); made < 70 || made > 80 {
		t.Errorf("%d directories were made", made)
	}
}
