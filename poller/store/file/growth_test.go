package file_test

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/store"
	"github.com/bittrance/kitops/poller/store/file"
	"github.com/bittrance/kitops/poller/store/storetest"
)

// growing opens a file that grows from the first change on.
func growing(t *testing.T, path string) *file.Store {
	t.Helper()
	f := open(t, path)
	f.SetLarge(1)
	return f
}

func TestGrowingFile(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		t.Helper()
		return growing(t, filepath.Join(t.TempDir(), "state.yaml"))
	})
}

func TestChangesStandAtTheEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.yaml")
	f := growing(t, path)
	padding := strings.Repeat("x", 100)
	a := put(t, f, "a", "padding: "+padding, "")
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	put(t, f, "a", "x: 2", a)
	b := put(t, f, "b", "{}", "")
	if _, err := f.Put(t.Context(), "b", nil, b); err != nil {
		t.Fatal(err)
	}
	const head = "# Memory of kitops between executions. Safe to read; stop kitops before you edit it.\n"
	want := head + `# What has changed since stands at its end: a task that is there again replaces the one above it.
version: 2
tasks:
  a:
    padding: ` + padding + `
...
---
  a:
    x: 2
...
---
  b: {}
...
---
  b: null
...
`
	if got := readFile(t, path); got != want {
		t.Errorf("the file is\n%s\nwant\n%s", got, want)
	}
	if after, err := os.Stat(path); err != nil || !os.SameFile(before, after) {
		t.Errorf("it is another file: %v", err)
	}
	again := open(t, path)
	if doc := get(t, again, "a"); string(doc.Data) != "x: 2\n" {
		t.Errorf("a is %q", doc.Data)
	}
	if _, err := again.Get(t.Context(), "b"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("b: %v", err)
	}
	for _, f := range []*file.Store{f, open(t, path)} { // the agent that ends, or the next one after a crash
		if err := f.Fold(); err != nil {
			t.Fatal(err)
		}
		if got, want := readFile(t, path), head+"version: 1\ntasks:\n  a:\n    x: 2\n"; got != want {
			t.Errorf("folded it is\n%s\nwant\n%s", got, want)
		}
		write(t, path, want)
	}
}

// TestASmallFileDoesNotGrow: nobody who has a few tasks sees another file than before.
func TestASmallFileDoesNotGrow(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.yaml")
	f := open(t, path)
	f.Grows = true
	version := ""
	for i := range 10 {
		version = put(t, f, "a", "x: "+strconv.Itoa(i), version)
	}
	if got := readFile(t, path); strings.Count(got, "a:") != 1 || !strings.Contains(got, "version: 1\n") || f.Grown() {
		t.Errorf("the file is\n%s", got)
	}
}

// TestAFileDoesNotGrowUntilItMay: a former kitops that may still have to go on reads it.
func TestAFileDoesNotGrowUntilItMay(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.yaml")
	f := growing(t, path)
	trial := true
	f.Held = func() bool { return trial }
	version := put(t, f, "a", "x: 0", "")
	if got := readFile(t, path); !strings.Contains(got, "version: 1\n") || f.Grown() {
		t.Errorf("during a trial the file is\n%s", got)
	}
	trial = false
	put(t, f, "a", "x: 1", version)
	if got := readFile(t, path); !strings.Contains(got, "version: 2\n") || !f.Grown() {
		t.Errorf("after a trial the file is\n%s", got)
	}
}

// TestAFileGrowsToTwiceItsSize, and then it is written anew.
func TestAFileGrowsToTwiceItsSize(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.yaml")
	f := growing(t, path)
	for i := range 50 {
		put(t, f, "padding"+strconv.Itoa(i), "{}", "")
	}
	version, largest, anew := "", int64(0), 0
	var last fs.FileInfo
	for i := range 500 {
		version = put(t, f, "a", "x: "+strconv.Itoa(i), version)
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if last != nil && !os.SameFile(info, last) {
			anew++
		}
		last, largest = info, max(largest, info.Size())
	}
	if err := f.Fold(); err != nil {
		t.Fatal(err)
	}
	if whole := int64(len(readFile(t, path))); largest > 2*whole+250 || largest < whole*3/2 {
		t.Errorf("a file of %d bytes grew to %d", whole, largest)
	}
	if anew == 0 || anew > 20 {
		t.Errorf("it was written anew %d times", anew)
	}
}

// TestCutAtEveryByte: a crash in the middle of a change leaves what was before it, wherever it is cut, and if the disk has
// zeros from there on, or in the middle.
func TestCutAtEveryByte(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.yaml")
	f := growing(t, path)
	put(t, f, "a", "padding: "+strings.Repeat("x", 300), "")
	version := ""
	ends, texts := []int{len(readFile(t, path))}, []int{-1}
	for n := range 3 {
		version = put(t, f, "b", fmt.Sprintf("a: %d\nwords: \"--- ... \\n...\\n\"", n), version)
		ends, texts = append(ends, len(readFile(t, path))), append(texts, n)
	}
	whole := []byte(readFile(t, path))
	check := func(what string, data []byte, want int) {
		t.Helper()
		_, docs, err := file.Decode(data)
		if err != nil {
			t.Fatalf("%s: %v\n%q", what, err, data)
		}
		if want < 0 {
			if len(docs) != 1 {
				t.Fatalf("%s: it holds %q", what, slices.Collect(maps.Keys(docs)))
			}
		} else if got := string(docs["b"]); !strings.HasPrefix(got, fmt.Sprintf("a: %d\n", want)) || len(docs) != 2 {
			t.Fatalf("%s: b is %q, want number %d", what, got, want)
		}
	}
	for n := 1; n < len(ends); n++ {
		begin, end := ends[n-1], ends[n]
		for cut := begin; cut < end; cut++ {
			want := texts[n-1]
			if cut == end-1 { // an editor may have taken the last line break of a change that was made
				want = texts[n]
			}
			check(fmt.Sprint("cut at ", cut), whole[:cut], want)
			zeros := append(append([]byte{}, whole[:cut]...), make([]byte, end-cut)...)
			check(fmt.Sprint("zeros from ", cut), zeros, texts[n-1])
			hole := append([]byte{}, whole[:end]...)
			clear(hole[cut:min(cut+7, end)])
			check(fmt.Sprint("a hole at ", cut), hole, texts[n-1])
		}
		check("not cut", whole[:end], texts[n])
	}
}

// TestAnEditOfAGrownFile is honoured, and what is not the agent's own file is left as it is.
func TestAnEditOfAGrownFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state.yaml")
	f := growing(t, path)
	version := put(t, f, "a", "padding: "+strings.Repeat("x", 300), "")
	version = put(t, f, "a", "x: 2", version)
	write(t, path, strings.Replace(readFile(t, path), " x: 2", " x: 33", 1))
	if _, err := f.Put(t.Context(), "a", []byte("x: 4"), version); !errors.Is(err, store.ErrConflict) {
		t.Errorf("an edit was overwritten: error %v, want a conflict", err)
	}
	put(t, f, "a", "x: 4", get(t, f, "a").Version)
	if text := readFile(t, path); strings.Contains(text, "33") || strings.Contains(text, "xxx") {
		t.Errorf("after an edit the file is not written anew:\n%s", text)
	}
}

// TestASecondNameKeepsItsContent: who keeps a state by a hard link has what it was.
func TestASecondNameKeepsItsContent(t *testing.T) {
	if runtime.GOOS == "windows" {
		return // does not tell
	}
	path := filepath.Join(t.TempDir(), "state.yaml")
	f := growing(t, path)
	put(t, f, "a", "padding: "+strings.Repeat("x", 300), "")
	kept := readFile(t, path)
	if err := os.Link(path, path+".kept"); err != nil {
		t.Fatal(err)
	}
	put(t, f, "b", "{}", "")
	if readFile(t, path+".kept") != kept || readFile(t, path) == kept {
		t.Errorf("the kept state is\n%s", readFile(t, path+".kept"))
	}
}

// TestReadChangesNothing, also while the agent is about to save.
func TestReadChangesNothing(t *testing.T) {
	dir := t.TempDir()
	half := filepath.Join(dir, ".state.yaml.1.tmp")
	write(t, half, "half a fi")
	if _, err := file.Read(filepath.Join(dir, "state.yaml")); err != nil {
		t.Error(err)
	}
	if readFile(t, half) != "half a fi" {
		t.Error("what another process writes is gone")
	}
}
