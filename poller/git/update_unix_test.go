//go:build unix

package git

import (
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/index"
	"github.com/bittrance/kitops/poller/git/index/indextest"
	"github.com/bittrance/kitops/poller/git/object"
)

func scribble(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestReuseNeverLeavesTheDirectory has an action that lays links to files and
// directories elsewhere where files and directories of the revision are.
func TestReuseNeverLeavesTheDirectory(t *testing.T) {
	for _, clean := range []bool{false, true} {
		r := gittest.New(t)
		k := keep(t, mirrorOf(t, r.Dir), Options{Clean: clean})
		first := r.Commit(map[string]string{"a": "1", "b": "1", "d/x": "1", "d/y": "1", "gone/x": "1", "gone/sub/y": "1", "tool": "1"})
		k.update(t, first)
		elsewhere := t.TempDir()
		for _, name := range []string{"x", "y", "a", "b"} {
			scribble(t, filepath.Join(elsewhere, name), "precious "+name)
		}
		_ = os.Mkdir(filepath.Join(elsewhere, "sub"), 0o700)
		scribble(t, filepath.Join(elsewhere, "sub", "y"), "precious")
		before := exactly(t, elsewhere)
		for _, dir := range []string{"d", "gone"} {
			_ = os.RemoveAll(filepath.Join(k.dir, dir))
			_ = os.Symlink(elsewhere, filepath.Join(k.dir, dir))
		}
		for _, name := range []string{"a", "b"} {
			_ = os.Remove(filepath.Join(k.dir, name))
		}
		_ = os.Symlink(filepath.Join(elsewhere, "a"), filepath.Join(k.dir, "a"))
		_ = os.Link(filepath.Join(elsewhere, "b"), filepath.Join(k.dir, "b"))
		_ = os.Symlink(elsewhere, filepath.Join(k.dir, "stray"))
		running, err := os.Open(filepath.Join(k.dir, "tool"))
		if err != nil {
			t.Fatal(err)
		}
		defer running.Close()
		r.Git("rm", "-q", "-r", "gone")
		second := r.Commit(map[string]string{"a": "2", "d/x": "2", "tool": "2"})
		links := map[string]string{"stray": "Lrwxrwxrwx " + elsewhere, "gone": "Lrwxrwxrwx " + elsewhere}
		if clean {
			links = nil
		}
		k.update(t, second)
		k.mustHold(t, r, second, links)
		if after := exactly(t, elsewhere); !maps.Equal(after, before) {
			t.Errorf("changed elsewhere: %v", after)
		}
		old := make([]byte, 9)
		if n, _ := running.Read(old); string(old[:n]) != "1" {
			t.Errorf("an open file became %q", old[:n])
		}
	}
}

// TestUselessRecords has records that are missing, cut, of another directory,
// of another format, or wrong.
func TestUselessRecords(t *testing.T) {
	r := gittest.New(t)
	first := r.Commit(map[string]string{"a": "1", "same": "same", "d/same": "same", "gone": "1"})
	r.Git("rm", "-q", "gone")
	second := r.Commit(map[string]string{"a": "2", "new": "2"})
	other := keep(t, mirrorOf(t, r.Dir), Options{})
	other.update(t, first)
	foreign, err := os.ReadFile(other.dir + ".index")
	if err != nil {
		t.Fatal(err)
	}
	spoiled := map[string]func(record []byte) []byte{
		"missing": func([]byte) []byte { return nil },
		"empty":   func([]byte) []byte { return []byte{} },
		"cut":     func(b []byte) []byte { return b[:len(b)/2] },
		"one bit": func(b []byte) []byte { b[60] ^= 1; return b },
		"foreign": func([]byte) []byte { return foreign },
		"of git": func([]byte) []byte {
			return index.Encode(&index.File{Entries: []index.Entry{{Path: "same", Mode: object.ModeFile}}})
		},
		"no extras": func(b []byte) []byte { x, _ := index.Parse(b, object.SHA1); x.Extras = nil; return index.Encode(x) },
		"format": func(b []byte) []byte {
			x, _ := index.Parse(b, object.SHA1)
			x.Extras[0].Data[0]++
			return index.Encode(x)
		},
	}
	for name, spoil := range spoiled {
		t.Run(name, func(t *testing.T) {
			k := keep(t, mirrorOf(t, r.Dir), Options{})
			k.update(t, first)
			before := times(t, k.dir)
			scribble(t, filepath.Join(k.dir, "d", "same"), "SAME")
			record, err := os.ReadFile(k.dir + ".index")
			if err != nil {
				t.Fatal(err)
			}
			_ = os.Remove(k.dir + ".index")
			if record = spoil(record); record != nil {
				scribble(t, k.dir+".index", string(record))
			}
			k.update(t, second)
			k.mustHold(t, r, second, map[string]string{"gone": "-rw-r--r-- 1"}) // nobody knows whose it is
			if times(t, k.dir)["same"] != before["same"] {
				t.Error("a file with the right content was touched")
			}
			if info, err := os.Stat(k.dir + ".index"); err != nil || info.Mode() != 0o600 {
				t.Errorf("%v, %v", info, err)
			}
		})
	}
}

// TestFileOfTheLastMoment is changed so soon after it was written that neither
// its time nor its size tell.
func TestFileOfTheLastMoment(t *testing.T) {
	r := gittest.New(t)
	sha := r.Commit(map[string]string{"a": "1", "b": "1"})
	k := keep(t, mirrorOf(t, r.Dir), Options{})
	for n := range 30 {
		k.update(t, sha)
		path := filepath.Join(k.dir, "a")
		if n%3 == 0 {
			_ = os.Remove(path)
			k.update(t, sha)
		}
		file, err := os.OpenFile(path, os.O_WRONLY, 0)
		if err == nil {
			_, err = file.WriteString("2")
		}
		if err != nil || file.Close() != nil {
			t.Fatal(err)
		}
		k.update(t, sha)
		k.mustHold(t, r, sha, nil)
	}
	// The same, as a record would have it on a file system with coarse times.
	var info unix.Stat_t
	scribble(t, filepath.Join(k.dir, "a"), "2")
	if err := unix.Lstat(filepath.Join(k.dir, "a"), &info); err != nil {
		t.Fatal(err)
	}
	x := indextest.Read(t, k.dir+".index")
	at := slices.IndexFunc(x.Entries, func(e index.Entry) bool { return e.Path == "a" })
	x.Entries[at].Stat = statFrom(&info)
	since := x.Extras[0].Data[17:]
	for i, b := range []byte{byte(info.Ctim.Sec >> 24), byte(info.Ctim.Sec >> 16), byte(info.Ctim.Sec >> 8), byte(info.Ctim.Sec)} {
		since[i] = b
	}
	for i := range 4 {
		since[4+i] = byte(info.Ctim.Nsec >> (24 - 8*i))
	}
	scribble(t, k.dir+".index", string(index.Encode(x)))
	k.update(t, sha)
	k.mustHold(t, r, sha, nil)
}

// statFrom is what an index keeps of a file.
func statFrom(info *unix.Stat_t) index.FileStat {
	return index.FileStat{
		Ctime: index.FileTime{Sec: uint32(info.Ctim.Sec), Nsec: uint32(info.Ctim.Nsec)}, Mtime: index.FileTime{Sec: uint32(info.Mtim.Sec), Nsec: uint32(info.Mtim.Nsec)},
		Dev: uint32(info.Dev), Ino: uint32(info.Ino), Uid: info.Uid, Gid: info.Gid, Size: index.StatSize(info.Size),
	}
}
