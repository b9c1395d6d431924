//go:build unix

package main

import (
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git/gittest"
	"github.com/bittrance/kitops/poller/store/file"
)

var killsFor = flag.Int("kills", 0, "how often TestKilledAtAnyMoment kills; 0 is 60, or 10 with -short")

// TestKilledAtAnyMoment kills the agent while heads move, again and again, and
// looks after each time whether what it left behind is right.
func TestKilledAtAnyMoment(t *testing.T) {
	scenic(t)
	t.Parallel()
	kills := *killsFor
	if kills == 0 {
		kills = 60
	}
	v := newVictim(t)
	stop := v.keepCommitting()
	for range kills {
		v.start()
		if rand.N(2) == 0 {
			v.awaitAction()
		}
		time.Sleep(rand.N(250 * time.Millisecond)) // the moment
		v.kill()
		v.inspect()
	}
	head := stop()
	v.start()
	if !eventually(func() bool { return v.state().Refs["refs/heads/main"].Applied == head }) {
		t.Errorf("the head %s is never applied: %+v\n%s", head, v.state(), v.logged())
	}
	v.terminate()
	v.inspect()
	v.verdict(kills)
}

// victim is the agent that is killed, with what it works on.
type victim struct {
	t       *testing.T
	dir     string
	repo    *gittest.Repo
	cmd     *exec.Cmd
	done    chan struct{}
	applied map[string]int // SHA → how often it had been started when it was seen as applied
	cut     int            // kills that hit a run
	grown   int            // how often changes were at the end of the state file
}

func newVictim(t *testing.T) *victim {
	t.Helper()
	v := &victim{t: t, dir: t.TempDir(), repo: gittest.New(committerTB{t}), applied: map[string]int{}}
	v.repo.Commit(map[string]string{"file": "first"})
	if err := os.Mkdir(v.path("state"), 0o700); err != nil {
		t.Fatal(err)
	}
	large := "version: 1\ntasks:\n  gone:\n    padding: " + strings.Repeat("x", 70_000) + "\n" // so that it grows
	if err := os.WriteFile(v.path("state/state.yaml"), []byte(large), 0o600); err != nil {
		t.Fatal(err)
	}
	return v
}

func (v *victim) path(name string) string { return filepath.Join(v.dir, name) }

func (v *victim) read(name string) string {
	data, err := os.ReadFile(v.path(name))
	if err != nil && !os.IsNotExist(err) {
		v.t.Fatal(err)
	}
	return string(data)
}

func (v *victim) logged() string { return v.read("agent.log") }

// keepCommitting moves the head, some times for each of its runs, until stop is
// called, which returns the last one.
func (v *victim) keepCommitting() (stop func() string) {
	var wait sync.WaitGroup
	quit, head := make(chan struct{}), ""
	wait.Go(func() {
		pace := time.NewTicker(40 * time.Millisecond)
		defer pace.Stop()
		for i := 0; ; i++ {
			select {
			case <-quit:
				return
			case <-pace.C:
				head = v.repo.Commit(map[string]string{"file": fmt.Sprint(i), fmt.Sprintf("many/%d", i%50): fmt.Sprint(i)})
			}
		}
	})
	return func() string { close(quit); wait.Wait(); return head }
}

func (v *victim) start() {
	v.t.Helper()
	log, err := os.OpenFile(v.path("agent.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		v.t.Fatal(err)
	}
	defer log.Close()
	v.cmd = exec.Command("kitops", "--url", v.repo.Dir, "--interval", "20ms", "--log-format", "text",
		"--state-file", v.path("state/state.yaml"), "--repo-dir", v.path("clones"),
		"--environment", "LOG="+v.path("actions.log"), "--environment", v.mark(),
		"--action", `echo "$KITOPS_SHA start" >> $LOG; sleep 0.03 & sleep 0.02; wait; echo "$KITOPS_SHA done" >> $LOG`)
	v.cmd.Env = append(os.Environ(), "GORACE=atexit_sleep_ms=10 halt_on_error=1")
	v.cmd.Stdout, v.cmd.Stderr = log, log
	if err := v.cmd.Start(); err != nil {
		v.t.Fatal(err)
	}
	cmd, done := v.cmd, make(chan struct{})
	v.done = done
	v.t.Cleanup(func() { _ = cmd.Process.Kill(); <-done })
	go func() {
		_ = cmd.Wait() // kill and terminate look at the state
		close(done)
	}()
}

// mark is a variable by which everything that an action started is found.
func (v *victim) mark() string { return "KILL_TEST=" + v.dir }

// awaitAction waits for the start of an action.
func (v *victim) awaitAction() {
	v.t.Helper()
	starts := func() int { return strings.Count(v.read("actions.log"), " start\n") }
	before := starts()
	if !eventually(func() bool { return starts() > before }) {
		v.t.Fatalf("no action starts\n%s", v.logged())
	}
}

func (v *victim) kill() {
	v.t.Helper()
	_ = v.cmd.Process.Kill()
	<-v.done
	if status := v.cmd.ProcessState.Sys().(syscall.WaitStatus); !status.Signaled() {
		v.t.Fatalf("kitops ended by itself: %s\n%s", v.cmd.ProcessState, v.logged())
	}
	// A child that was being made at that moment holds the lock until it is another program.
	if !eventually(func() bool {
		lock, err := file.AcquireLock(v.path("state/state.yaml.lock"))
		return err == nil && lock.Release() == nil
	}) {
		v.t.Fatal("the lock is never free")
	}
}

func (v *victim) terminate() {
	v.t.Helper()
	_ = v.cmd.Process.Signal(syscall.SIGTERM)
	<-v.done
	if !v.cmd.ProcessState.Success() {
		v.t.Errorf("kitops: %s\n%s", v.cmd.ProcessState, v.logged())
	}
}

// state reads what the agent remembers: from a copy, as only the agent may open the file itself.
func (v *victim) state() poller.State {
	v.t.Helper()
	var state poller.State
	copied := v.path("copy.yaml")
	if err := os.WriteFile(copied, []byte(v.read("state/state.yaml")), 0o600); err != nil {
		v.t.Fatal(err)
	}
	file, err := file.Open(copied)
	if err != nil {
		v.t.Fatalf("the state does not read: %v", err)
	}
	if file.Grown() {
		v.grown++
	}
	doc, err := file.Get(v.t.Context(), "repo")
	if errors.Is(err, fs.ErrNotExist) {
		return state // killed before anything happened
	}
	if err == nil {
		err = yaml.Unmarshal(doc.Data, &state)
	}
	if err != nil {
		v.t.Fatalf("the state does not read: %v\n%s", err, v.read("state/state.yaml"))
	}
	return state
}

// inspect holds what is remembered as applied against what was done.
func (v *victim) inspect() {
	v.t.Helper()
	ref := v.state().Refs["refs/heads/main"]
	if ref.Run != nil && ref.Run.Outcome == poller.Pending {
		v.cut++
	}
	if ref.Applied == "" {
		return
	}
	log := v.read("actions.log")
	if !strings.Contains(log, ref.Applied+" done\n") {
		v.t.Errorf("%s is remembered as applied, but never was\n%s", ref.Applied, log)
	}
	if _, known := v.applied[ref.Applied]; !known {
		v.applied[ref.Applied] = strings.Count(log, ref.Applied+" start\n")
	}
}

// verdict is what must hold when all is over.
func (v *victim) verdict(kills int) {
	v.t.Helper()
	log := v.read("actions.log")
	for sha, starts := range v.applied {
		if now := strings.Count(log, sha+" start\n"); now != starts {
			v.t.Errorf("%s was applied, and started %d times more", sha, now-starts)
		}
	}
	if text := v.read("state/state.yaml"); v.grown == 0 || !strings.Contains(text, "\nversion: 1 ") {
		v.t.Errorf("a large state grew %d times, and ends as %.200q", v.grown, text)
	}
	v.t.Logf("%d kills, %d of them during a run; %d runs, %d revisions seen as applied",
		kills, v.cut, strings.Count(log, " start\n"), len(v.applied))
	for _, pattern := range []string{"clones/work/*", "clones/mirrors/*", "state/.*.tmp", "state/.state*"} {
		if left, err := filepath.Glob(v.path(pattern)); err != nil || len(left) > 0 {
			v.t.Errorf("left over: %v %v\n%s", left, err, v.logged())
		}
	}
	if runtime.GOOS == "linux" && !eventually(func() bool { return len(v.orphans()) == 0 }) {
		v.t.Errorf("processes of actions live on: %v", v.orphans())
	}
}

func (v *victim) orphans() (pids []string) {
	environs, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, path := range environs {
		if env, err := os.ReadFile(path); err == nil && strings.Contains(string(env), v.mark()+"\x00") {
			pids = append(pids, path)
		}
	}
	return pids
}

// committerTB lets a goroutine of the test fail.
type committerTB struct{ *testing.T }

func (tb committerTB) Fatalf(format string, args ...any) {
	tb.Helper()
	tb.Errorf(format, args...)
	runtime.Goexit()
}
