package main

import (
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestAMachineThatFreezes is an exception that docs/many-instances.md names: the agent, its guard and the action all stand still for
// longer than the lease, as on a machine that is suspended. Another instance goes on, which nobody there can know. Once it
// goes on, too, its action ends at once, and nothing of it is saved.
func TestAMachineThatFreezes(t *testing.T) {
	t.Parallel()
	i := newInstances(t)
	i.write("hold", "")
	agents := []*waiting{i.agent("one", "one"), i.agent("two", "two")}
	i.await("one of them runs it", func() bool { return i.exists("holder") && guardOf(pidIn(t, i.path("holder"))) != 0 })
	agent := pidIn(t, i.path("holder"))
	action := pidIn(t, i.path("pids"))
	machine := []int{agent, guardOf(agent), -action} // the action has a group of its own
	for _, pid := range machine {
		if err := syscall.Kill(pid, syscall.SIGSTOP); err != nil {
			t.Fatal(pid, err)
		}
	}
	began := time.Now()
	i.await("the other runs it", func() bool { return i.contains("done", "\n") })
	if took := time.Since(began); took > 2*testLease+stall {
		t.Errorf("taken over after %s", took)
	}
	for _, pid := range machine {
		_ = syscall.Kill(pid, syscall.SIGCONT)
	}
	i.await("the action of the machine that stood still is ended", func() bool { return syscall.Kill(action, 0) != nil })
	next := i.repo.Commit(map[string]string{"file": "two"})
	i.await("the next revision runs", func() bool { return i.contains("done", next) })
	if done := strings.Count(readFile(t, i.path("done")), "\n"); done != 2 {
		t.Errorf("%d actions were done, want 2", done)
	}
	for _, agent := range agents {
		agent.stop(1, stopLimit+stall)
	}
}

// pidIn reads the first process ID in a file.
func pidIn(t *testing.T, path string) int {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	pid, err := strconv.Atoi(strings.Fields(string(text))[0])
	if err != nil {
		t.Fatal(err)
	}
	return pid
}
