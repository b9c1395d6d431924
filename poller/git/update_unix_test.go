//go:build unix

package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bittrance/kitops/poller/git/gittest"
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
		k := keep(t, mirror(t, r.Dir), Options{Clean: clean})
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
	other := keep(t, mirror(t, r.Dir), Options{})
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
			return encodeIndex(&indexFile{entries: []indexEntry{{path: "same", mode: modeFile}}})
		},
		"no extras": func(b []byte) []byte { x, _ := parseIndex(b); x.extras = nil; return encodeIndex(x) },
		"format": func(b []byte) []byte {
			x, _ := parseIndex(b)
			x.extras[0].data[0]++
			return encodeIndex(x)
		},
	}
	for name, spoil := range spoiled {
		t.Run(name, func(t *testing.T) {
			k := keep(t, mirror(t, r.Dir), Options{})
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

// countdown is a context that ends when it was asked a number of times.
type countdown struct {
	context.Context
	left   atomic.Int64
	cancel func()
}

func (c *countdown) Err() error {
	if c.left.Add(-1) < 0 {
		c.cancel()
	}
	return c.Context.Err()
}

// TestCutOff stops updates at every step, by their context and by a limit that
// is reached amidst files, and goes on with another revision.
func TestCutOff(t *testing.T) {
	r := gittest.New(t)
	files := func(name string, n int) map[string]string {
		files := map[string]string{"same": "same", "d/same": "same", "changes": name}
		for i := range n {
			files[fmt.Sprintf("%s/d%d/f%d", name, i%3, i)] = strings.Repeat(name, 100+i)
			files[fmt.Sprintf("d/%s%d", name, i)] = strings.Repeat(name, 100+i)
		}
		return files
	}
	commit := func(files map[string]string) string {
		r.Git("rm", "-q", "-r", "--ignore-unmatch", ".")
		if err := os.Symlink("d", filepath.Join(r.Work, "link"+fmt.Sprint(len(files)))); err != nil {
			t.Fatal(err)
		}
		return r.Commit(files)
	}
	first, second, third := commit(files("one", 20)), commit(files("two", 25)), commit(files("three", 7))
	m := mirror(t, r.Dir)
	cut, want := 0, map[string]map[string]string{}
	for n := range 80 {
		k := keep(t, m, Options{})
		k.want = want
		k.update(t, first)
		scribble(t, filepath.Join(k.dir, "d", "untracked"), "mine")
		for i, sha := range []string{second, third, second}[:1+n%3] {
			ctx, cancel := context.WithCancel(generous(t))
			stop := &countdown{Context: ctx, cancel: cancel}
			stop.left.Store(int64(n))
			mine := &Mirror{URL: m.URL, Dir: m.Dir}
			if (n+i)%2 == 0 {
				stop.left.Store(1 << 40)
				mine.MaxSize = Size(200 + n*100)
			}
			if mine.Checkout(stop, Revision{SHA: sha}, k.dir, k.o) != nil {
				cut++
			}
			cancel()
		}
		if n%5 == 0 { // killed, so that nobody cleared up
			_ = os.Mkdir(k.dir+".index.tmp", 0o700)
			scribble(t, filepath.Join(k.dir+".index.tmp", "1"), "half")
		}
		last := []string{first, third}[n%2]
		k.update(t, last)
		k.mustHold(t, r, last, map[string]string{"d/untracked": "-rw-r--r-- mine"})
	}
	if cut < 45 {
		t.Errorf("only %d were cut off", cut)
	}
}

// TestKilled kills a process that goes from revision to revision, at any moment.
func TestKilled(t *testing.T) {
	if address := os.Getenv("KITOPS_TEST_KILLED"); address != "" {
		goOn(t, strings.Split(address, "\n"))
		return
	}
	random := rand.New(rand.NewPCG(3, 3))
	r := gittest.New(t)
	r.Bare("config", "uploadpack.allowAnySHA1InWant", "true")
	var shas []string
	for range 6 {
		for range 10 {
			churn(t, r, random)
		}
		shas = append(shas, r.Commit(nil))
	}
	k := keep(t, mirror(t, r.Dir), Options{})
	for round := range 12 {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilled$")
		cmd.Env = append(os.Environ(), "KITOPS_TEST_KILLED="+strings.Join(append([]string{r.Dir, k.dir}, shas...), "\n"))
		out, err := cmd.StdoutPipe()
		if err == nil {
			err = cmd.Start()
		}
		if err != nil {
			t.Fatal(err)
		}
		if _, err := out.Read(make([]byte, 1)); err != nil { // it has begun
			t.Fatal(err)
		}
		time.AfterFunc(time.Duration(random.IntN(20_000))*time.Microsecond, func() { _ = cmd.Process.Kill() })
		if err := cmd.Wait(); err == nil {
			t.Fatal("not killed")
		}
		sha := shas[round%len(shas)]
		k.update(t, sha)
		k.mustHold(t, r, sha, nil)
	}
}

// goOn is the process that is killed.
func goOn(t *testing.T, args []string) {
	t.Helper()
	m := mirror(t, args[0])
	fmt.Println("begun")
	for n := 0; ; n++ {
		if err := m.Checkout(t.Context(), Revision{SHA: args[2+n%(len(args)-2)]}, args[1], Options{Reuse: true}); err != nil {
			t.Fatal(err)
		}
	}
}

// TestReuseOwner gives what is made, and what is of the revision, to a user.
func TestReuseOwner(t *testing.T) {
	r := gittest.New(t)
	k := keep(t, mirror(t, r.Dir), Options{})
	first := r.Commit(map[string]string{"a": "1", "same": "same", "d/e/f": "1"})
	k.update(t, first)
	k.o.Owner = anotherOwner()
	k.update(t, first)
	mustOwn(t, k.dir, anotherOwner())
	k.mustHold(t, r, first, nil)
	outsider := filepath.Join(t.TempDir(), "outsider")
	scribble(t, outsider, "same")
	_ = os.Remove(filepath.Join(k.dir, "same"))
	if err := os.Link(outsider, filepath.Join(k.dir, "same")); err != nil {
		t.Fatal(err)
	}
	_ = os.RemoveAll(filepath.Join(k.dir, "d"))
	second := r.Commit(map[string]string{"a": "2", "new/dir/x": "2"})
	k.update(t, second)
	mustOwn(t, k.dir, anotherOwner())
	k.mustHold(t, r, second, nil)
	if info, err := os.Stat(outsider); err != nil || info.Sys().(*syscall.Stat_t).Uid != uint32(os.Getuid()) {
		t.Errorf("a file elsewhere was given away: %v, %v", info, err)
	}
	before := times(t, k.dir)
	k.update(t, second)
	if !maps.Equal(before, times(t, k.dir)) {
		t.Error("files of the right owner were touched")
	}
}

// TestCleanReadOnly removes what an action locked, as a user who is not root.
func TestCleanReadOnly(t *testing.T) {
	if args := os.Getenv("KITOPS_TEST_READONLY"); args != "" {
		repo, dir, _ := strings.Cut(args, "\n")
		m := &Mirror{URL: mirror(t, repo).URL}
		heads := mustHeads(t, m, "refs/heads/main")
		for _, o := range []Options{{Reuse: true}, {Reuse: true, Clean: true}} {
			if err := m.Checkout(generous(t), heads[0], dir, o); err != nil {
				t.Fatal(err)
			}
			lock(t, dir)
			if err := m.Checkout(generous(t), heads[0], dir, o); err != nil {
				t.Fatal(err)
			}
		}
		return
	}
	r := gittest.New(t)
	sha := r.Commit(map[string]string{"a": "1", "d/e/f": "1"})
	dir, err := os.MkdirTemp("", "kitops-test-*") //nolint:usetesting // where another user gets through
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	k := keep(t, mirror(t, r.Dir), Options{})
	k.dir = filepath.Join(dir, "all", "workdir")
	cmd := exec.CommandContext(t.Context(), filepath.Join(dir, "test"), "-test.run=^TestCleanReadOnly$")
	repo := filepath.Join(dir, "repo.git")
	for _, args := range [][]string{{"cp", "-r", r.Dir, repo}, {"cp", os.Args[0], cmd.Path}, {"chmod", "-R", "a+rX", dir}, {"mkdir", "-m", "777", filepath.Dir(k.dir), filepath.Join(dir, "tmp")}} {
		if out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	_ = os.Chmod(filepath.Join(dir, "tmp"), 0o777)
	_ = os.Chmod(filepath.Dir(k.dir), 0o777)
	cmd.Env = append(os.Environ(), "KITOPS_TEST_READONLY="+repo+"\n"+k.dir, "TMPDIR="+filepath.Join(dir, "tmp"))
	cmd.Dir = dir
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 12345, Gid: 23456}}
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	k.mustHold(t, r, sha, nil)
}

// lock is an action that takes from its own user what that has.
func lock(t *testing.T, dir string) {
	t.Helper()
	for _, name := range []string{"cache/mod", "d/e/g", "a.d"} {
		if err := os.MkdirAll(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	scribble(t, filepath.Join(dir, "cache", "mod", "f"), "x")
	if err := errors.Join(os.Remove(filepath.Join(dir, "a")), os.Rename(filepath.Join(dir, "a.d"), filepath.Join(dir, "a"))); err != nil {
		t.Fatal(err)
	}
	scribble(t, filepath.Join(dir, "a", "f"), "x")
	for i, name := range []string{"cache/mod/f", "cache/mod", "cache", "a", "d/e/g", "d/e/f", "d/e", "d"} {
		mode := []fs.FileMode{0o555, 0}[i/2%2]
		if err := os.Chmod(filepath.Join(dir, name), mode); err != nil {
			t.Fatal(err)
		}
	}
}

// TestFileOfTheLastMoment is changed so soon after it was written that neither
// its time nor its size tell.
func TestFileOfTheLastMoment(t *testing.T) {
	r := gittest.New(t)
	sha := r.Commit(map[string]string{"a": "1", "b": "1"})
	k := keep(t, mirror(t, r.Dir), Options{})
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
	x := readIndex(t, k.dir+".index")
	at := slices.IndexFunc(x.entries, func(e indexEntry) bool { return e.path == "a" })
	x.entries[at].stat = statOf(&info)
	since := x.extras[0].data[17:]
	for i, b := range []byte{byte(info.Ctim.Sec >> 24), byte(info.Ctim.Sec >> 16), byte(info.Ctim.Sec >> 8), byte(info.Ctim.Sec)} {
		since[i] = b
	}
	for i := range 4 {
		since[4+i] = byte(info.Ctim.Nsec >> (24 - 8*i))
	}
	scribble(t, k.dir+".index", string(encodeIndex(x)))
	k.update(t, sha)
	k.mustHold(t, r, sha, nil)
}
