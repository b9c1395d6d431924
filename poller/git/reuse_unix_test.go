//go:build unix

package git

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/refs"
)

// kept is a workdir that is used again and again.
type kept struct {
	*Mirror
	dir  string
	o    Options
	want map[string]map[string]string // by revision, what git checks out
}

func keep(t *testing.T, m *Mirror, o Options) *kept {
	t.Helper()
	o.Reuse = true
	return &kept{m, filepath.Join(t.TempDir(), "kept", "workdir"), o, map[string]map[string]string{}}
}

func (k *kept) update(t *testing.T, sha string) {
	t.Helper()
	if err := k.Checkout(gittest.Generous(t), refs.Revision{Ref: "refs/heads/main", SHA: sha}, k.dir, k.o); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(k.dir + ".*"); !slices.Equal(left, []string{k.dir + ".index"}) {
		t.Errorf("beside the workdir: %v", left)
	}
}

// mustHold says what is to be in the workdir: the files of a revision, and what
// was untracked.
func (k *kept) mustHold(t *testing.T, r *gittest.Repo, sha string, untracked map[string]string) {
	t.Helper()
	if k.want[sha] == nil {
		k.want[sha] = exportedExactly(t, r, sha)
	}
	found, want := exactly(t, k.dir), maps.Clone(k.want[sha])
	for name, is := range untracked {
		if _, tracked := want[name]; !tracked {
			want[name] = is
		}
	}
	gittest.MustHave(t, sha, found, want)
}

// exactly is snapshot with all bits of modes.
func exactly(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(dir, path)
		info, err := d.Info()
		if err != nil {
			return err
		}
		content := ""
		switch {
		case d.Type().IsRegular():
			var data []byte
			data, err = os.ReadFile(path)
			content = string(data)
		case d.Type() == fs.ModeSymlink:
			content, err = os.Readlink(path)
		}
		found[name] = fmt.Sprint(info.Mode(), " ", content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// exportedExactly is what git checks out, with the modes that a checkout has.
func exportedExactly(t *testing.T, r *gittest.Repo, sha string) map[string]string {
	t.Helper()
	want := map[string]string{}
	for name, is := range gittest.Exported(t, r, sha) {
		switch kind, content, _ := strings.Cut(is, " "); kind {
		case "directory":
			want[name] = "drwxr-xr-x "
		case "->":
			want[name] = "Lrwxrwxrwx " + content
		case "true":
			want[name] = "-rwxr-xr-x " + content
		default:
			want[name] = "-rw-r--r-- " + content
		}
	}
	return want
}

func TestReuse(t *testing.T) {
	for way, reach := range some(ways()) {
		t.Run(way, func(t *testing.T) {
			r := gittest.New(t)
			k := keep(t, reach(t, r), Options{})
			first := r.Commit(map[string]string{"a": "1", "same": "same", "d/e/f": "1", "d/same": "same", "gone/x/y": "1"})
			k.update(t, first)
			k.mustHold(t, r, first, nil)
			before := times(t, k.dir)
			r.Git("rm", "-q", "-r", "gone", "d/e/f")
			second := r.Commit(map[string]string{"a": "2", "d/new": "2", "gone2": "2"})
			k.update(t, second)
			k.mustHold(t, r, second, nil)
			after := times(t, k.dir)
			for _, name := range []string{"same", "d/same"} {
				if before[name] != after[name] {
					t.Errorf("%s was touched: %v, %v", name, before[name], after[name])
				}
			}
			if before["a"] == after["a"] {
				t.Error("a is the same file")
			}
			k.update(t, second)
			if again := times(t, k.dir); !maps.Equal(again, after) {
				t.Errorf("touched without need: %v, was %v", again, after)
			}
			k.update(t, first)
			k.mustHold(t, r, first, nil)
		})
	}
}

// times are inode and time of every file.
func times(t *testing.T, dir string) map[string]string {
	t.Helper()
	found := map[string]string{}
	for name := range exactly(t, dir) {
		var info unix.Stat_t
		if err := unix.Lstat(filepath.Join(dir, name), &info); err != nil {
			t.Fatal(err)
		}
		if info.Mode&unix.S_IFMT != unix.S_IFDIR {
			found[name] = fmt.Sprint(info.Ino, info.Mtim, info.Ctim)
		}
	}
	return found
}
