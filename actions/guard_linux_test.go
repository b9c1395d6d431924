package actions_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bittrance/kitops/actions"
)

// helpGuarded is an agent with a run under a lease of a second: it prints its guard.
func helpGuarded(runID, dir string) error {
	all := &actions.Processes{}
	_ = all.UseCgroup() // where it may
	guard, err := all.StartGuard(runID, actions.BootClock()()+time.Second, time.Second)
	if err != nil {
		return err
	}
	// One ignores the request to end, the other hides in a session of its own.
	script := `trap "" TERM; setsid -f sh -c 'echo $$ > hidden; trap "" TERM; while :; do sleep 0.1; done'; echo $$ > leader; while :; do sleep 0.1; done`
	o := actions.Options{Dir: dir, Environ: []string{path}, Vars: []string{"KITOPS_RUN_ID=" + runID}, Processes: all, Started: guard.Watch}
	fmt.Println("guarded")
	return sh(script).Run(context.Background(), o)
}

// TestGuard has an agent killed, or stopped, while an action runs under a lease.
func TestGuard(t *testing.T) {
	t.Parallel()
	for _, sig := range []syscall.Signal{syscall.SIGKILL, syscall.SIGSTOP} {
		t.Run(sig.String(), func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			cmd := helper("guarded", id(t), dir)
			cmd.Stderr = t.Output()
			if parent := delegate(t); parent != "" && sig == syscall.SIGKILL {
				within(t, cmd, parent)
			}
			agent := begin(t, cmd)
			leader, hidden := pidIn(t, filepath.Join(dir, "leader")), pidIn(t, filepath.Join(dir, "hidden"))
			if err := agent.Signal(sig); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the action is ended", func() bool { return !alive(leader) && !alive(hidden) })
			eventually(t, "the guard ends", func() bool { return !carries(t, actions.GuardName, agent.Pid) })
		})
	}
}

// begin starts a helper that is killed at the end of the test, and waits for its first line.
func begin(t *testing.T, cmd *exec.Cmd) *os.Process {
	t.Helper()
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	if line, err := bufio.NewReader(out).ReadString('\n'); err != nil {
		t.Fatalf("%q: %v", line, err)
	}
	return cmd.Process
}

func pidIn(t *testing.T, file string) (pid int) {
	t.Helper()
	eventually(t, file+" is written", func() bool {
		data, _ := os.ReadFile(file)
		pid, _ = strconv.Atoi(strings.TrimSpace(string(data)))
		return pid > 0
	})
	return pid
}

// carries tells whether a child of a process lives that is called so.
func carries(t *testing.T, name string, parent int) bool {
	t.Helper()
	children, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", parent, parent))
	for pid := range strings.FieldsSeq(string(children)) {
		line, _ := os.ReadFile("/proc/" + pid + "/cmdline")
		if number, _ := strconv.Atoi(pid); string(line) == name+"\x00" && alive(number) {
			return true
		}
	}
	return false
}

// TestGuardOfAnEndedRun leaves alone what a run that is over has left behind.
func TestGuardOfAnEndedRun(t *testing.T) {
	t.Parallel()
	all := &actions.Processes{}
	now := actions.BootClock()
	guard, err := all.StartGuard(id(t), now()+300*time.Millisecond, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	o := options(t)
	o.Processes, o.Started = all, guard.Watch
	if err := sh("sleep 1000 > /dev/null 2>&1 & echo $! > service").Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	service := pidIn(t, filepath.Join(o.Dir, "service"))
	defer syscall.Kill(service, syscall.SIGKILL) //nolint:errcheck // it may be gone
	guard.Extend(now() + time.Hour)
	guard.Extend(now())
	guard.Done()
	guard.Done()
	time.Sleep(400 * time.Millisecond) // past the first time it was told
	if !alive(service) {
		t.Error("the guard ended what a run has left in order")
	}
	var none *actions.Guard
	none.Extend(0)
	none.Done()
}

// TestGuardLeavesTheEndToTheAgent is a lease that is lost while the agent lives:
// the action is asked to end once.
func TestGuardLeavesTheEndToTheAgent(t *testing.T) {
	t.Parallel()
	all := &actions.Processes{}
	guard, err := all.StartGuard(id(t), actions.BootClock()()+300*time.Millisecond, 30*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer guard.Done()
	guard.Stopping()
	o := options(t)
	o.Processes, o.Started = all, guard.Watch
	if err := sh(`trap "exit 7" TERM; i=0; while [ $i -lt 60 ]; do sleep 0.01; i=$((i+1)); done`).Run(t.Context(), o); err != nil {
		t.Errorf("asked by the guard: %v", err)
	}
}
