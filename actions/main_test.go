package actions_test

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/bittrance/kitops/actions"
)

// patience bounds every wait; it is only ever used up by a failing test.
const patience = time.Minute

// helperKey names, in the environment of a re-executed test binary, what it is to do.
const helperKey = "ACTIONS_TEST_HELPER"

func TestMain(m *testing.M) {
	if os.Args[0] == actions.GuardName {
		if err := actions.RunGuard(); err != nil {
			os.Exit(1)
		}
		os.Exit(0)
	}
	if name := os.Getenv(helperKey); name != "" {
		os.Exit(help(name))
	}
	goleak.VerifyTestMain(m)
}

// eventually waits for what nobody announces.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("never: %s", what)
		}
	}
}

// receive waits for one value.
func receive[T any](t *testing.T, what string, c <-chan T) T {
	t.Helper()
	select {
	case v, ok := <-c:
		if !ok {
			t.Fatalf("ended without %s", what)
		}
		return v
	case <-time.After(patience):
		t.Fatalf("no %s", what)
	}
	panic("unreachable")
}

// buffer is a bytes.Buffer for concurrent use.
type buffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// lineChannel is an Out whose lines can be waited for.
func lineChannel() (io.Writer, <-chan string) {
	lines := make(chan string, 100)
	return actions.Lines(actions.OutputLimit, func(s string) { lines <- s }), lines
}

// path is where the tests' commands are found.
const path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// sh is an action in the shell's language.
func sh(script string) actions.Action {
	return actions.Action{Name: "test", Entrypoint: "/bin/sh", Args: []string{"-c", script}}
}

// id is that of a run: no other one has it, also of another process that runs
// these tests at the same time.
func id(t *testing.T) string {
	t.Helper()
	return fmt.Sprintf("%s-%d", strings.ReplaceAll(t.Name(), "/", "-"), os.Getpid())
}

// options are those of a run with an id of its own, in an empty directory.
func options(t *testing.T) actions.Options {
	t.Helper()
	return actions.Options{
		Dir: t.TempDir(), Environ: []string{path}, Out: t.Output(),
		Vars: []string{"KITOPS_RUN_ID=" + id(t)},
	}
}
