package git

import (
	"context"
	"crypto/sha1"
	"encoding/binary"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/go-git/go-git/v5/plumbing"

	"github.com/bittrance/kitops/poller/git/gittest"
)

// oddTree commits files of all kinds: modes, links, names of any bytes, a
// submodule, names that sort otherwise as files than as directories.
func oddTree(t *testing.T, r *gittest.Repo) string {
	t.Helper()
	files := map[string]string{
		"a-b": "1", "a/b": "2", "a.b": "3", "a/c/d": "4", "odd/\xff\xfe": "bytes", "odd/new\nline": "x", "run": "#!/bin/sh\n",
		strings.Repeat("long/", 50) + strings.Repeat("n", 200): "x", "empty": "",
	}
	for i := range 12 {
		files["pad"+strings.Repeat("x", i)] = fmt.Sprint(i)
	}
	r.Write(files)
	if err := os.Symlink("a/b", filepath.Join(r.Work, "link")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(filepath.Join(r.Work, "run"), 0o755); err != nil {
		t.Fatal(err)
	}
	r.Git("add", "--all")
	r.Git("update-index", "--add", "--cacheinfo", "160000,"+strings.Repeat("1", 40)+",sub/module")
	r.Git("commit", "--quiet", "--message", "odd")
	r.Push()
	return r.SHA("HEAD")
}

// writeStats is a checkout that keeps what the file system says of its files.
func writeStats(t *testing.T, r *gittest.Repo, sha, dir string, owner *Owner) *treeWriter {
	t.Helper()
	ctx := generous(t)
	s, err := openStore(r.Dir)
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	read := s.reader().read
	id, _ := parseID(sha)
	_, tree, err := commitOf(ctx, id, read)
	if err != nil {
		t.Fatal(err)
	}
	p, err := makePlan(ctx, tree, read)
	if err != nil {
		t.Fatal(err)
	}
	w, err := newTreeWriter(dir, p, fileOptions{limit: 1 << 30, owner: owner, stats: true})
	if err == nil {
		err = w.finish(context.WithoutCancel(ctx), s)
	}
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// TestIndexForGit has git work with an index that it did not write.
func TestIndexForGit(t *testing.T) {
	r := gittest.New(t)
	sha := oddTree(t, r)
	work := filepath.Join(t.TempDir(), "work")
	if err := os.Mkdir(work, 0o755); err != nil {
		t.Fatal(err)
	}
	w := writeStats(t, r, sha, work, nil)
	bare := filepath.Join(t.TempDir(), "bare")
	gittest.Git(t, r.Dir, "clone", "--quiet", "--no-checkout", r.Dir, bare)
	if err := os.Rename(filepath.Join(bare, ".git"), filepath.Join(work, ".git")); err != nil {
		t.Fatal(err)
	}
	index := filepath.Join(work, ".git", "index")
	if err := os.WriteFile(index, encodeIndex(w.plan.index(w.found)), 0o600); err != nil {
		t.Fatal(err)
	}
	// Before git looks at a file, so that nothing but the index can know it.
	before := gittest.Git(t, work, "ls-files", "--stage", "--debug", "-z")
	if out := gittest.Git(t, work, "status", "--porcelain", "--ignored"); out != "" {
		t.Errorf("git status: %s", out)
	}
	if out := gittest.Git(t, work, "diff-files", "--raw"); out != "" {
		t.Errorf("git diff-files: %s", out)
	}
	gittest.Git(t, work, "fsck", "--cache", "--no-dangling")
	if tree := gittest.Git(t, work, "write-tree"); tree != r.SHA("HEAD^{tree}") {
		t.Errorf("git write-tree: %s", tree)
	}
	if err := os.Remove(index); err != nil {
		t.Fatal(err)
	}
	gittest.Git(t, work, "read-tree", "HEAD")
	gits, own := treePaths(readIndex(t, index).trees), treePaths(w.plan.index(nil).trees)
	if len(own) < 50 || !maps.Equal(gits, own) {
		t.Errorf("git's trees are %v, want %v", gits, own)
	}
	gittest.Git(t, work, "update-index", "--really-refresh")
	if after := gittest.Git(t, work, "ls-files", "--stage", "--debug", "-z"); after != before {
		t.Errorf("git writes another index:\n%s\nnot\n%s", after, before)
	}
	if !reflect.DeepEqual(readIndex(t, index).entries, w.plan.index(w.found).entries) {
		t.Error("git's entries are read as others")
	}
}

func readIndex(t *testing.T, path string) *indexFile {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	x, err := parseIndex(content)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// treePaths are the trees by path, since git orders them in another way.
func treePaths(trees []indexTree) map[string]string {
	found := map[string]string{}
	var walk func(above string)
	walk = func(above string) {
		tree := trees[0]
		trees = trees[1:]
		path := above + tree.name + "/"
		found[path] = fmt.Sprint(tree.entries, tree.below, tree.id)
		for range tree.below {
			walk(path)
		}
	}
	walk("")
	return found
}

// TestIndexPaths has paths around the length that an entry has room for.
func TestIndexPaths(t *testing.T) {
	x := &indexFile{extras: []indexExtra{{"KOPS", []byte("extra")}}}
	for length := 1; length < 5000; length += 1 + length/4093*500 {
		path := strings.Repeat("p", length)
		x.entries = append(x.entries, indexEntry{path: path, mode: modeRun, id: plumbing.NewHash(path[:1]), stat: fileStat{size: uint32(length)}})
	}
	x.trees = []indexTree{{entries: -1, below: 1}, {name: "below", entries: 2, id: plumbing.NewHash("12")}}
	found, err := parseIndex(encodeIndex(x))
	if err != nil || !reflect.DeepEqual(found, x) {
		t.Errorf("%v: %d entries, want %d", err, len(found.entries), len(x.entries))
	}
	if statSize(0) != 0 || statSize(1<<32) == 0 || statSize(5<<32+7) != 7 {
		t.Error("sizes of large files")
	}
}

func TestHostileIndex(t *testing.T) {
	entry := func(path string) indexEntry { return indexEntry{path: path, mode: modeFile} }
	encoded := func(x indexFile) []byte { return encodeIndex(&x) }
	good := indexFile{entries: []indexEntry{entry("a"), entry("b/c")}, trees: []indexTree{{entries: 2, below: 1}, {name: "b", entries: 1}}}
	if _, err := parseIndex(encoded(good)); err != nil {
		t.Fatal(err)
	}
	// edit changes bytes of the good one and makes the checksum right.
	edit := func(f func(b []byte) []byte) []byte {
		b := encoded(good)
		b = f(b[:len(b)-sha1.Size])
		sum := sha1.Sum(b)
		return append(b, sum[:]...)
	}
	bad := map[string][]byte{
		"empty":       {},
		"no index":    []byte("hello, hello, hello, hello, hello, hello"),
		"cut":         encoded(good)[:100],
		"checksum":    append(encoded(good)[:len(encoded(good))-1], 1),
		"version 4":   edit(func(b []byte) []byte { b[7] = 4; return b }),
		"too many":    edit(func(b []byte) []byte { b[11]++; return b }),
		"billions":    edit(func(b []byte) []byte { binary.BigEndian.PutUint32(b[8:], 1<<31); return b }),
		"conflict":    edit(func(b []byte) []byte { b[12+stageHead-2] |= 0x10; return b }),
		"longer name": edit(func(b []byte) []byte { b[12+stageHead-1] = 9; return b }),
		"longest name": edit(func(b []byte) []byte {
			b[12+stageHead-2], b[12+stageHead-1] = 0x0f, 0xff
			b[12+stageHead] = 0
			return b
		}),
		"no padding":      edit(func(b []byte) []byte { b[12+stageHead+1] = 1; return b }),
		"extension":       edit(func(b []byte) []byte { return append(b, "link\x00\x00\x00\x00"...) }),
		"extension cut":   edit(func(b []byte) []byte { return append(b, "KOPS\x00\x00\x00\x01"...) }),
		"a byte too much": edit(func(b []byte) []byte { return append(b, 0) }),
		"mode":            encoded(indexFile{entries: []indexEntry{{path: "a", mode: modeDir}}}),
		"order":           encoded(indexFile{entries: []indexEntry{entry("b"), entry("a")}}),
		"twice":           encoded(indexFile{entries: []indexEntry{entry("a"), entry("a")}}),
		"empty path":      encoded(indexFile{entries: []indexEntry{entry("")}}),
		"deep":            encoded(indexFile{entries: []indexEntry{entry(strings.Repeat("d/", maxDepth+1) + "f")}}),
	}
	for _, path := range []string{"..", "../a", "/a", "a/", "a//b", "a/../b", "a/.", "a/.git/hooks/b", ".GIT/b", "a\x00b"} {
		bad["path "+path] = encoded(indexFile{entries: []indexEntry{entry(path)}})
		bad["later path "+path] = encoded(indexFile{entries: []indexEntry{entry("!"), entry(path)}})
	}
	for name, trees := range map[string][]indexTree{
		"missing":   {{entries: 2, below: 1}},
		"surplus":   {{entries: 2}, {name: "b", entries: 1}},
		"root name": {{name: "x", entries: 2}},
		"up":        {{entries: 2, below: 1}, {name: "..", entries: 1}},
		"entries":   {{entries: 3}},
		"negative":  {{entries: 2, below: -1}},
		"unknown":   {{entries: -2}},
		"billions":  {{entries: 2, below: 1 << 30}},
	} {
		bad["trees "+name] = encoded(indexFile{entries: good.entries, trees: trees})
	}
	for name, data := range bad {
		if x, err := parseIndex(data); err == nil {
			t.Errorf("%s: taken, %v", name, x)
		}
	}
	assumed := edit(func(b []byte) []byte { b[12+stageHead-2] |= 0x80; return b })
	if x, err := parseIndex(assumed); err != nil || !reflect.DeepEqual(x.entries, good.entries) {
		t.Errorf("flags: %v, %v", x, err)
	}
}

func FuzzIndexFile(f *testing.F) {
	x := &indexFile{entries: []indexEntry{{path: "a", mode: modeFile}, {path: "b/c", mode: modeSymlink}}, trees: []indexTree{{entries: 2, below: 1}, {name: "b", entries: 1}}}
	seed := encodeIndex(x)
	f.Add(seed[:len(seed)-sha1.Size])
	x.extras = []indexExtra{{"KOPS", []byte("x")}}
	seed = encodeIndex(x)
	f.Add(seed[:len(seed)-sha1.Size])
	f.Fuzz(func(t *testing.T, data []byte) {
		sum := sha1.Sum(data) // or no change would get beyond the checksum
		x, err := parseIndex(append(data[:len(data):len(data)], sum[:]...))
		if err != nil {
			return
		}
		if !slices.IsSortedFunc(x.entries, func(a, b indexEntry) int { return strings.Compare(a.path, b.path) }) {
			t.Error("not in order")
		}
		for _, e := range x.entries {
			if !filepath.IsLocal(e.path) || strings.Contains(e.path, "\x00") || slices.Contains(strings.Split(strings.ToLower(e.path), "/"), ".git") {
				t.Errorf("%q was let through", e.path)
			}
		}
		again, err := parseIndex(encodeIndex(x))
		if err != nil || !reflect.DeepEqual(x, again) {
			t.Errorf("%v after writing it again: %v", err, again)
		}
	})
}
