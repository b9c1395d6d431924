//go:build unix

package main

import (
	"os"
	"os/exec"
	"runtime"
	"runtime/debug"
	"syscall"
	"testing"

	"github.com/bittrance/kitops/actions"
)

// bugKey names what goes wrong in a process of the tests.
const bugKey = "KITOPS_TEST_BUG"

// haveBug ends the process as a bug would, if it is one that is to have it.
func haveBug() {
	bug := map[string]func(){
		"panic": func() { panic("a bug") },
		"fatal error": func() {
			debug.SetMaxStack(1 << 16)
			panic(overflow(0))
		},
	}[os.Getenv(bugKey)]
	if bug != nil {
		crashBySignal(actions.Isolate() == nil && runtime.GOOS == "linux")
		go bug()
		select {}
	}
}

// overflow ends when the stack does.
func overflow(n int) int {
	if n < 0 {
		return n
	}
	return overflow(n+1) + 1
}

// TestBugsEndBySignal: not with 2, which is a mistake in the configuration, nor with a core.
func TestBugsEndBySignal(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"panic", "fatal error"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cmd := exec.Command("sh", "-c", `ulimit -c unlimited; exec "$0"`, self)
			cmd.Dir = t.TempDir()
			cmd.Env = append(os.Environ(), bugKey+"="+name)
			out, _ := cmd.CombinedOutput() // the state tells
			status, ok := cmd.ProcessState.Sys().(syscall.WaitStatus)
			if !ok || !status.Signaled() || status.Signal() != syscall.SIGABRT || status.CoreDump() {
				t.Errorf("%s, want SIGABRT without a core\n%.2000s", cmd.ProcessState, out)
			}
		})
	}
}
