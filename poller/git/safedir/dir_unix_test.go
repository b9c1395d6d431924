//go:build unix

package safedir

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// two is a tree of two directories: 1 is "a", 2 is "a/b".
func two(dir int32) (parent int32, name string) {
	return dir - 1, []string{"", "a", "b"}[dir]
}

func open(t *testing.T, path string) *Dir {
	t.Helper()
	d, err := Open(path, two)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(d.Close)
	id, err := d.Identity()
	if err != nil {
		t.Fatal(err)
	}
	d.Dev = id.Dev
	return d
}

// everything is all that is below a directory: kinds, modes, contents, targets.
func everything(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := e.Info()
		if err != nil {
			return err
		}
		found[path] = info.Mode().String()
		switch {
		case info.Mode().IsRegular():
			content, err := os.ReadFile(path)
			found[path] += " " + string(content)
			return err
		case info.Mode()&fs.ModeSymlink != 0:
			target, err := os.Readlink(path)
			found[path] += " " + target
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// steps are all that can be done to a name in a directory of the tree.
func steps(d *Dir, dir int32, name string) map[string]func() error {
	f := File{Dir: dir, Name: name, Perm: 0o644}
	return map[string]func() error{
		"mkdir": func() error { return d.Mkdir(dir) },
		"write": func() error { return d.Write(f, []byte("new")) },
		"stream": func() error {
			return d.Stream(f, func(w io.Writer) (int64, error) { return io.Copy(w, strings.NewReader("new")) })
		},
		"symlink":   func() error { return d.Symlink(f, "target") },
		"remove":    func() error { _, err := d.Remove(f); return err },
		"unlink":    func() error { return d.Unlink(dir, name) },
		"rmdir":     func() error { return d.Rmdir(max(dir, 1)) },
		"removeall": func() error { return d.RemoveAll(dir, name) },
		"enter":     func() error { _, err := d.Enter(dir); return err },
		"look":      func() error { _, err := d.Look(dir, name); return err },
		"names":     func() error { _, err := d.Names(dir); return err },
		"readlink":  func() error { _, err := d.Readlink(dir, name); return err },
	}
}

// TestLinksAreNoWay has each directory of the tree be a link that leads outside,
// to a place that looks just like what is expected.
func TestLinksAreNoWay(t *testing.T) {
	for _, at := range []string{"a", "a/b"} {
		for name := range steps(nil, 0, "") {
			inside, outside := t.TempDir(), t.TempDir()
			for _, dir := range []string{"b", "a/b"} {
				if err := os.MkdirAll(filepath.Join(outside, dir), 0o700); err != nil {
					t.Fatal(err)
				}
			}
			for _, file := range []string{"f", "b/f", "a/b/f"} {
				if err := os.WriteFile(filepath.Join(outside, file), []byte("outside"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if at == "a/b" {
				if err := os.Mkdir(filepath.Join(inside, "a"), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			if err := os.Symlink(outside, filepath.Join(inside, at)); err != nil {
				t.Fatal(err)
			}
			before := everything(t, outside)
			_ = steps(open(t, inside), 2, "f")[name]()
			if after := everything(t, outside); !maps.Equal(before, after) {
				t.Errorf("%s through a link at %s: %v", name, at, after)
			}
		}
	}
	if d, err := Open(link(t), two); err == nil {
		d.Close()
		t.Error("opened a link")
	}
}

func link(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(t.TempDir(), path); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestNothingIsWrittenThrough has what is at the place of a file be a link or a
// second name of a file elsewhere.
func TestNothingIsWrittenThrough(t *testing.T) {
	for _, staged := range []bool{false, true} {
		for name, plant := range map[string]func(outside, at string) error{"symlink": os.Symlink, "hard link": os.Link} {
			inside, elsewhere := t.TempDir(), t.TempDir()
			outside := filepath.Join(elsewhere, "file")
			if err := os.WriteFile(outside, []byte("outside"), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := plant(outside, filepath.Join(inside, "f")); err != nil {
				t.Fatal(err)
			}
			d := open(t, inside)
			if staged {
				if err := d.Stage(t.TempDir(), "stage"); err != nil {
					t.Fatal(err)
				}
			}
			err := d.Write(File{Name: "f", Perm: 0o644}, []byte("new"))
			if staged != (err == nil) {
				t.Errorf("%s, staged %v: %v", name, staged, err)
			}
			if content, _ := os.ReadFile(outside); string(content) != "outside" {
				t.Errorf("%s, staged %v: wrote %q outside", name, staged, content)
			}
			if info, err := os.Stat(outside); err != nil || info.Mode() != 0o600 {
				t.Errorf("%s, staged %v: %v, %v", name, staged, info.Mode(), err)
			}
		}
	}
}

// TestFail has every step fail that can, with errors of disks.
func TestFail(t *testing.T) {
	for _, want := range []error{syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, syscall.EIO} {
		for op, step := range map[string]string{"mkdir": "mkdir", "open": "write", "write": "stream", "symlink": "symlink", "remove": "removeall", "rename": "write"} {
			inside := t.TempDir()
			if err := os.Mkdir(filepath.Join(inside, "a"), 0o755); err != nil {
				t.Fatal(err)
			}
			d := open(t, inside)
			dir, name := int32(1), "f"
			if op == "mkdir" {
				dir, name = 2, "b"
			}
			if op == "rename" {
				if err := d.Stage(t.TempDir(), "stage"); err != nil {
					t.Fatal(err)
				}
			}
			d.Fail = func(at, _ string) error {
				if at == op {
					return want
				}
				return nil
			}
			err := steps(d, dir, name)[step]()
			var at *fs.PathError
			if !errors.Is(err, want) || !errors.As(err, &at) || at.Path != name {
				t.Errorf("%s: %v, want %v", op, err, want)
			}
		}
	}
}

// FuzzDir mixes steps with what somebody who may write to the directory does
// between them: nothing outside may change.
func FuzzDir(f *testing.F) {
	f.Add([]byte{0, 1, 14, 2, 15, 3, 16, 4, 17, 5})
	f.Add([]byte{0, 12, 20, 1, 40, 13, 7, 30, 9})
	f.Fuzz(func(t *testing.T, script []byte) {
		if len(script) > 40 {
			return
		}
		top := t.TempDir()
		inside, outside := filepath.Join(top, "inside"), filepath.Join(top, "outside")
		for _, dir := range []string{inside, filepath.Join(outside, "a", "b")} {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		for i, file := range []string{"f", "a/f", "a/b/f"} {
			if err := os.WriteFile(filepath.Join(outside, file), fmt.Append(nil, i), 0o640); err != nil {
				t.Fatal(err)
			}
		}
		before := everything(t, outside)
		root, err := os.OpenRoot(inside) // or the attack itself would follow its links
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		d := open(t, inside)
		order := []string{"mkdir", "write", "stream", "symlink", "remove", "unlink", "rmdir", "removeall", "enter", "look", "names", "readlink"}
		paths := []string{"a", "a/b", "f", "a/f", "a/b/f"}
		for _, b := range script {
			path := paths[int(b)%len(paths)]
			switch {
			case int(b) < len(order)*3:
				_ = steps(d, int32(b)%3, []string{"f", "b", "a"}[int(b)/7%3])[order[int(b)%len(order)]]()
			case b < 80: // a link in the place of whatever is there
				_ = root.RemoveAll(path)
				_ = root.Symlink([]string{outside, filepath.Join(outside, "a"), filepath.Join(outside, "f"), ".."}[b%4], path)
			case b < 120: // a second name of a file outside
				_ = root.RemoveAll("f")
				_ = os.Link(filepath.Join(outside, "f"), filepath.Join(inside, "f"))
			case b < 160:
				_ = root.MkdirAll(path, 0o500)
			default:
				_ = root.Rename("a", "moved")
			}
		}
		if after := everything(t, outside); !maps.Equal(before, after) {
			t.Errorf("outside: %v", after)
		}
	})
}
