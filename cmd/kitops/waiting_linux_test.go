package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bittrance/kitops/poller/git/gittest"
)

const (
	// stopLimit is how long one signal may take to end the agent, whatever it waits for.
	stopLimit = 10 * time.Second
	// atOnce is what a second signal may take.
	atOnce = lastFarewell + time.Second
	// stall is how much slower a loaded machine may be.
	stall = 5 * time.Second
)

// waiting is an agent that is about to wait for something.
type waiting struct {
	t    *testing.T
	dir  string
	repo *gittest.Repo
	args []string // beside those that say where kitops keeps what
	log  *os.File // where its log goes, by default the test's
	env  []string // beside the test's

	wrapper    []string // what starts it
	stdin      *os.File
	attributes *syscall.SysProcAttr

	cmd   *exec.Cmd
	ended chan struct{} // closed when it has ended
}

func (w *waiting) path(name string) string { return filepath.Join(w.dir, name) }

func (w *waiting) exists(name string) bool {
	found, err := filepath.Glob(w.path(name))
	return err == nil && len(found) > 0
}

// contains tells whether a file has the text.
func (w *waiting) contains(name, text string) bool {
	data, err := os.ReadFile(w.path(name))
	return err == nil && strings.Contains(string(data), text)
}

func (w *waiting) write(name, text string) string {
	w.t.Helper()
	if err := os.WriteFile(w.path(name), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	return w.path(name)
}

// await waits until it is so; what says so in words.
func (w *waiting) await(what string, ok func() bool) {
	w.t.Helper()
	if !eventually(ok) {
		w.t.Fatalf("never: %s", what)
	}
}

// task is an agent on the repository, with an action of this command.
func (w *waiting) task(command string) {
	w.args = append(w.args, "--url", w.repo.Dir, "--action", command, "--environment", "PLACE="+w.dir)
}

func (w *waiting) start() {
	w.t.Helper()
	line := slices.Concat(w.wrapper, []string{"kitops", "--repo-dir", w.path("clones"), "--interval", "100ms", "--log-format", "text"}, w.args)
	if !slices.Contains(w.args, "--state") {
		line = append(line, "--state-file", w.path("state.yaml"))
	}
	w.cmd = exec.Command(line[0], line[1:]...)
	w.cmd.Dir, w.cmd.SysProcAttr = w.dir, w.attributes
	if w.stdin != nil {
		w.cmd.Stdin = w.stdin
	}
	w.cmd.Env = append(os.Environ(), "HOME="+w.dir, "GORACE=atexit_sleep_ms=10")
	w.cmd.Env = append(w.cmd.Env, w.env...)
	w.cmd.Stderr = w.t.Output()
	if w.log != nil {
		w.cmd.Stderr = w.log
	}
	if err := w.cmd.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.ended = make(chan struct{})
	go func() {
		_ = w.cmd.Wait() // the state tells
		close(w.ended)
	}()
	w.t.Cleanup(func() { _ = w.cmd.Process.Kill(); <-w.ended })
}

// stop signals the agent once or twice, and fails the test if that takes longer
// than it may, or ends it like a crash.
func (w *waiting) stop(signals int, limit time.Duration) {
	w.t.Helper()
	began := time.Now()
	for n := range signals {
		if n > 0 { // at once it would be the same request
			select {
			case <-w.ended:
			case <-time.After(4 * sameStop):
			}
			began, limit = time.Now(), atOnce
		}
		_ = w.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	}
	select {
	case <-w.ended:
	case <-time.After(limit + stall):
		w.t.Errorf("does not end within %s of signal %d", limit+stall, signals)
		return
	}
	w.t.Logf("ended %s after signal %d: %s", time.Since(began).Round(time.Millisecond), signals, w.cmd.ProcessState)
	if code := w.cmd.ProcessState.ExitCode(); code != 0 && code != exitFailure {
		w.t.Errorf("%s", w.cmd.ProcessState)
	}
}

// lease makes whoever opens a file wait, like a file system that does not
// answer, until the test has ended. It returns what tells whether somebody does.
func (w *waiting) lease(name string) (waited func() bool) {
	w.t.Helper()
	file, err := os.Open(w.path(name))
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = file.Close() })
	if _, err := unix.FcntlInt(file.Fd(), unix.F_SETLEASE, unix.F_WRLCK); err != nil {
		w.t.Fatal(err)
	}
	return func() bool {
		kind, err := unix.FcntlInt(file.Fd(), unix.F_GETLEASE, 0)
		return err == nil && kind != unix.F_WRLCK
	}
}

// TestStopsWhateverItWaitsFor stops the agent in each place where it can wait.
func TestStopsWhateverItWaitsFor(t *testing.T) {
	scenic(t)
	t.Parallel()
	if farewell > stopLimit {
		t.Errorf("the agent may take %s to stop", farewell)
	}
	places := map[string]func(w *waiting){ // each returns when it waits there
		"log":         waitInLog,
		"task file":   waitInTaskFile,
		"store":       waitInStore,
		"look":        waitInLook,
		"fetch":       waitInFetch,
		"checkout":    waitInCheckout,
		"plan":        waitInPlan,
		"action":      waitInAction,
		"removal":     waitInRemoval,
		"status post": waitInStatusPost,
	}
	for name, enter := range places {
		for signals := 1; signals <= 2; signals++ {
			t.Run(fmt.Sprintf("%s/%d", name, signals), func(t *testing.T) {
				t.Parallel()
				w := &waiting{t: t, dir: t.TempDir(), repo: gittest.New(t)}
				w.repo.Commit(map[string]string{"file": "one"})
				enter(w)
				w.stop(signals, stopLimit)
				if w.exists("pid") && w.contains("pid", "\n") {
					out, err := exec.Command("pgrep", "--session", strings.TrimSpace(readFile(t, w.path("pid")))).Output()
					if err == nil {
						t.Errorf("actions are left: %s", out)
					}
				}
			})
		}
	}
}
