//go:build unix

package git

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bittrance/kitops/poller/git/disk"
	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/git/refs"
)

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
	t.Parallel()
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
	m := mirrorOf(t, r.Dir)
	cut, want := 0, map[string]map[string]string{}
	tries := rounds(80, 20)
	for n := range tries {
		k := keep(t, m, Options{})
		k.want = want
		k.update(t, first)
		scribble(t, filepath.Join(k.dir, "d", "untracked"), "mine")
		for i, sha := range []string{second, third, second}[:1+n%3] {
			ctx, cancel := context.WithCancel(gittest.Generous(t))
			stop := &countdown{Context: ctx, cancel: cancel}
			stop.left.Store(int64(n))
			mine := &Mirror{URL: m.URL, Dir: m.Dir}
			if (n+i)%2 == 0 {
				stop.left.Store(1 << 40)
				mine.MaxSize = disk.Size(200 + n*100)
			}
			if mine.Checkout(stop, refs.Revision{SHA: sha}, k.dir, k.o) != nil {
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
	if cut < tries*45/80 {
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
	k := keep(t, mirrorOf(t, r.Dir), Options{})
	for round := range gittest.Rounds(6, 4) {
		cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilled$")
		cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir(), "KITOPS_TEST_KILLED="+strings.Join(append([]string{r.Dir, k.dir}, shas...), "\n"))
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
	m := mirrorOf(t, args[0])
	fmt.Println("begun")
	for n := 0; ; n++ {
		if err := m.Checkout(t.Context(), refs.Revision{SHA: args[2+n%(len(args)-2)]}, args[1], Options{Reuse: true}); err != nil {
			t.Fatal(err)
		}
	}
}
