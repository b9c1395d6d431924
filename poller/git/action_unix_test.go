//go:build unix

package git

import (
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/index"
	"github.com/bittrance/kitops/poller/git/index/indextest"
)

// action is what an action may do to its workdir: to files of the revision and
// to others.
type action struct {
	random    *rand.Rand
	dir       string
	elsewhere string // where links lead; nothing in it may change
}

func (a *action) run(t *testing.T) {
	t.Helper()
	for range a.random.IntN(12) {
		names := slices.Sorted(maps.Keys(exactly(t, a.dir)))
		name := filepath.Join(a.dir, names[a.random.IntN(len(names))])
		if name == a.dir || a.random.IntN(4) == 0 {
			parent := filepath.Dir(name)
			if info, err := os.Lstat(name); err == nil && info.IsDir() {
				parent = name
			}
			name = filepath.Join(parent, fmt.Sprintf("n%d", a.random.IntN(8)))
		}
		a.mess(name)
	}
}

// mess does one thing, if it can be done. It must follow no link itself, since one
// may lead out of the test, nor open a pipe, which waits: it writes into what it
// has just made.
func (a *action) mess(name string) {
	choice := a.random.IntN(14)
	if info, err := os.Lstat(name); err == nil && info.Mode()&fs.ModeSymlink != 0 && (choice == 3 || choice == 11) {
		return
	}
	switch choice {
	case 0:
		_ = os.RemoveAll(name)
	case 1: // of the same size, with the time it had
		info, content := regular(name)
		if len(content) > 0 {
			content[a.random.IntN(len(content))] ^= 1
			_ = os.WriteFile(name, content, 0o644)
			_ = os.Chtimes(name, info.ModTime(), info.ModTime())
		}
	case 2:
		if file, err := os.OpenFile(name, os.O_WRONLY|os.O_APPEND|os.O_CREATE|unix.O_NONBLOCK|unix.O_NOFOLLOW, 0o600); err == nil {
			_, _ = file.WriteString("more")
			_ = file.Close()
		}
	case 3:
		_ = unix.Fchmodat(unix.AT_FDCWD, name, []uint32{0o600, 0o755, 0o444, 0o4755}[a.random.IntN(4)], 0)
	case 4:
		_ = os.RemoveAll(name)
		if made := filepath.Join(name, "made"); os.MkdirAll(name, 0o700) == nil && os.Mkdir(made, 0o700) == nil {
			_ = os.Mkdir(filepath.Join(made, "here"), 0o700)
			_ = os.WriteFile(filepath.Join(made, "cache"), nil, 0o600)
		}
	case 5:
		_ = os.RemoveAll(name)
		_ = os.Symlink([]string{a.elsewhere, filepath.Join(a.elsewhere, "n1"), "n1", "nowhere", a.dir}[a.random.IntN(5)], name)
	case 6:
		_ = os.RemoveAll(name)
		_ = unix.Mkfifo(name, 0o600)
	case 7: // a directory elsewhere, and a link to it where it was
		elsewhere := filepath.Join(a.dir, fmt.Sprintf("moved%d", a.random.IntN(3)))
		if os.Rename(name, elsewhere) == nil {
			_ = os.Symlink(elsewhere, name)
		}
	case 8:
		_ = os.Link(name, filepath.Join(a.dir, fmt.Sprintf("linked%d", a.random.IntN(3))))
	case 9:
		other := name + "x"
		if os.Link(name, other) == nil {
			_ = os.Rename(other, name)
		}
	case 10: // the same again
		if info, content := regular(name); info != nil {
			_ = os.Remove(name)
			_ = os.WriteFile(name, content, 0o644)
		}
	case 11:
		if sub := filepath.Join(name, "ro", "sub"); os.MkdirAll(name, 0o755) == nil && os.Mkdir(filepath.Dir(sub), 0o755) == nil {
			_ = os.Mkdir(sub, 0o755)
			_ = os.WriteFile(filepath.Join(sub, "f"), nil, 0o444)
			_ = os.Chmod(sub, 0o555)
		}
	case 12:
		_ = os.Rename(name, filepath.Join(a.dir, fmt.Sprintf("n%d", a.random.IntN(8))))
	default:
		if info, _ := regular(name); info != nil || os.Mkdir(name, 0o755) == nil {
			_ = os.WriteFile(filepath.Join(filepath.Dir(name), fmt.Sprintf("u%d", a.random.Uint32())), []byte("untracked"), 0o644)
		}
	}
}

// regular reads a file, if it is one: a pipe would wait for a writer.
func regular(name string) (fs.FileInfo, []byte) {
	info, err := os.Lstat(name)
	if err != nil || !info.Mode().IsRegular() {
		return nil, nil
	}
	content, _ := os.ReadFile(name)
	return info, content
}

// untracked says what must stay of what is in a workdir that held one revision
// and is to hold another.
func untracked(before, after, is map[string]string) map[string]string {
	stay := map[string]string{}
	for name, what := range is {
		if _, planned := after[name]; planned || inFile(after, name) {
			continue
		}
		was, tracked := before[name]
		switch isDir := strings.HasPrefix(what, "d"); {
		case !tracked, !isDir && strings.HasPrefix(was, "d"), isDir && !strings.HasPrefix(was, "d"):
			stay[name] = what
		}
	}
	for name := range maps.Clone(stay) { // and the directories above
		for at := path.Dir(name); at != "."; at = path.Dir(at) {
			if _, planned := after[at]; !planned && stay[at] == "" {
				stay[at] = "drwxr-xr-x "
				if _, tracked := before[at]; !tracked {
					stay[at] = is[at]
				}
			}
		}
	}
	return stay
}

func inFile(files map[string]string, name string) bool {
	for at := path.Dir(name); at != "."; at = path.Dir(at) {
		if what, ok := files[at]; ok && !strings.HasPrefix(what, "d") {
			return true
		}
	}
	return false
}

// TestReuseDifferential brings workdirs from revision to revision of invented
// histories while actions work in them, and holds them against git.
func TestReuseDifferential(t *testing.T) {
	const commits = 16
	for seed := range gittest.Rounds(3, 2) { // one of them cleans
		for _, way := range both() {
			t.Run(fmt.Sprintf("%s %d", way, seed), func(t *testing.T) {
				t.Parallel()
				h := &invented{random: rand.New(rand.NewPCG(uint64(seed), 11))}
				for range commits {
					h.grow()
				}
				r := gittest.New(t)
				r.Bare("config", "uploadpack.allowAnySHA1InWant", "true")
				k := keep(t, ways()[way](t, r), Options{Clean: seed%3 == 0})
				a := &action{random: h.random, dir: k.dir, elsewhere: t.TempDir()}
				precious := precious(t, a.elsewhere)
				shas := h.write(t, r)
				before, is := map[string]string{}, map[string]string{}
				for n := range commits {
					sha := shas[n]
					if h.random.IntN(4) == 0 {
						sha = shas[h.random.IntN(n+1)]
					}
					after := exportedExactly(t, r, sha)
					stay := untracked(before, after, is)
					if k.o.Clean {
						stay = nil
					}
					k.update(t, sha)
					k.mustHold(t, r, sha, stay)
					if h.random.IntN(6) == 0 {
						forgetful(t, k, h.random)
					}
					a.run(t)
					before, is = after, exactly(t, k.dir)
				}
				outside(t, k)
				if found := exactly(t, a.elsewhere); !maps.Equal(found, precious) {
					t.Errorf("changed elsewhere: %v", found)
				}
			})
		}
	}
}

// precious fills a directory with the names that revisions have.
func precious(t *testing.T, dir string) map[string]string {
	t.Helper()
	for i := range 6 {
		name := filepath.Join(dir, fmt.Sprintf("n%d", i))
		if err := os.Mkdir(name, 0o700); err != nil {
			t.Fatal(err)
		}
		for j := range 6 {
			scribble(t, filepath.Join(name, fmt.Sprintf("n%d", j)), "precious")
		}
	}
	return exactly(t, dir)
}

// forgetful makes a record useless, in one of the ways in which that does not
// make files of the revision untracked.
func forgetful(t *testing.T, k *kept, random *rand.Rand) {
	t.Helper()
	x := indextest.Read(t, k.dir+".index")
	for i := range x.Entries {
		x.Entries[i].Stat = index.FileStat{}
	}
	if random.IntN(2) == 0 {
		x.Trees = nil
	}
	if err := os.WriteFile(k.dir+".index", index.Encode(x), 0o600); err != nil {
		t.Fatal(err)
	}
}

// outside says that nothing was made beside a workdir.
func outside(t *testing.T, k *kept) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(k.dir))
	if err != nil || len(entries) != 2 {
		t.Errorf("%v, %v", entries, err)
	}
	if info, err := os.Stat(k.dir); err != nil || info.Mode() != fs.ModeDir|0o755 {
		t.Errorf("%v, %v", info, err)
	}
}
