package actions_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/bittrance/kitops/actions"
)

// A service that an action leaves goes on printing, and nobody takes it amiss.
func TestBackgroundPrintsOn(t *testing.T) {
	t.Parallel()
	var out buffer
	o := options(t)
	o.Out, o.Processes = &out, &actions.Processes{}
	script := "(while ! test -e go; do sleep 0.01; done; head -c 1000000 /dev/zero; echo more; echo more; touch printed; exec sleep 1000) & echo $!"
	if err := sh(script).Run(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	lines := make(chan string, 1)
	lines <- strings.TrimSpace(out.String())
	pid := running{lines: lines}.pid(t)
	write(t, filepath.Join(o.Dir, "go"), "", 0o600)
	eventually(t, "the service has printed", func() bool {
		_, err := os.Stat(filepath.Join(o.Dir, "printed"))
		return err == nil
	})
	if !alive(pid) {
		t.Error("it did not survive")
	}
	if strings.Contains(out.String(), "more") {
		t.Error("its output came after the end of the run")
	}
}

// The pipes of what is left behind do not add up without end.
func TestBackgroundPipesAreBounded(t *testing.T) {
	t.Parallel()
	if out, err := helper("pipes", t.TempDir()).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func helpPipes(dir string) error {
	h, _, err := newHost(dir)
	if err != nil {
		return err
	}
	kill := make(chan struct{})
	close(kill) // the output is not waited for
	var groups []int
	defer func() {
		for _, group := range groups {
			syscall.Kill(-group, syscall.SIGKILL) //nolint:errcheck // gone is fine
		}
	}()
	o := actions.Options{Dir: dir, Environ: []string{path}, Processes: h.all, Kill: kill}
	o.Started = func(g actions.Group) { groups = append(groups, g.ID) }
	for range 110 {
		if err := sh("sleep 1000 &").Run(context.Background(), o); err != nil {
			return err
		}
	}
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return err
	}
	if len(open) > 120 || len(open) < 100 {
		return fmt.Errorf("%d descriptors are open", len(open))
	}
	return nil
}

// An agent that was stopped while its action ended in time does not count that
// action as one that is out of time.
func TestStoppedAgent(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	cmd := helper("stopped", dir)
	out, lines := lineChannel()
	cmd.Stdout, cmd.Stderr = out, t.Output()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	receive(t, "start", lines)
	if err := cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is stopped", func() bool { return state(cmd.Process.Pid) == 'T' })
	if err := cmd.Process.Signal(syscall.SIGUSR1); err != nil { // the time is over, it will hear
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "go"), "", 0o600)
	var pids []int
	text, err := os.ReadFile(filepath.Join(dir, "pids"))
	if err != nil || json.Unmarshal(text, &pids) != nil {
		t.Fatal(err)
	}
	for _, pid := range pids {
		eventually(t, "the action has ended", func() bool { return !alive(pid) })
	}
	if err := cmd.Process.Signal(syscall.SIGCONT); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("%v: %s", err, receive(t, "reason", lines))
	}
}

func helpStopped(dir string) error {
	const count = 50
	over := make(chan os.Signal, 1)
	signal.Notify(over, syscall.SIGUSR1)
	ctx, cancel := context.WithCancelCause(context.Background())
	go func() {
		<-over
		cancel(errTimeout)
	}()
	ended, pids := make(chan error, count), make(chan int, count)
	all := &actions.Processes{}
	for range count {
		go func() {
			o := actions.Options{Dir: dir, Environ: []string{path}, Processes: all}
			o.Started = func(g actions.Group) { pids <- g.ID }
			ended <- sh("while ! test -e go; do sleep 0.1; done").Run(ctx, o)
		}()
	}
	var leaders []int
	for range count {
		leaders = append(leaders, <-pids)
	}
	text, err := json.Marshal(leaders)
	if err != nil {
		return err
	}
	if err := os.WriteFile(dir+"/pids", text, 0o600); err != nil {
		return err
	}
	fmt.Println("running")
	var errs []error
	for range count {
		errs = append(errs, <-ended)
	}
	return errors.Join(errs...)
}
