package actions_test

import (
	"context"
	"encoding/json"
	"errors"
	"os/exec"
	"slices"
	"syscall"
	"testing"

	"github.com/bittrance/kitops/actions"
)

// leftover runs a script under an agent that is then killed, and returns the
// saved group with the two process ids the script prints.
func leftover(t *testing.T, script, runID string) (g actions.Group, first, second int) {
	t.Helper()
	cmd := helper("agent", script, runID, t.TempDir())
	out, lines := lineChannel()
	cmd.Stdout, cmd.Stderr = out, t.Output()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close() //nolint:errcheck // held open until the agent is gone
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	r := running{lines: lines}
	group := receive(t, "group", lines)
	first, second = r.pid(t), r.pid(t)
	cmd.Process.Kill() //nolint:errcheck // Wait tells
	var killed *exec.ExitError
	if err := cmd.Wait(); !errors.As(err, &killed) || killed.ExitCode() != -1 {
		t.Fatalf("the agent ended with %v", err)
	}
	if err := json.Unmarshal([]byte(group), &g); err != nil {
		t.Fatal(err)
	}
	if g.ID <= 1 || g.Started == "" {
		t.Fatalf("group %+v", g)
	}
	return g, first, second
}

const escape = "setsid sh -c 'echo $$; exec sleep 1000' & echo $$; sleep 1000"

func TestStopLeftover(t *testing.T) {
	t.Parallel()
	g, first, second := leftover(t, escape, id(t))
	for name, other := range map[string]actions.Group{
		"reused process id": {ID: g.ID, Started: g.Started + "0"},
		"unknown start":     {ID: g.ID},
		"everybody":         {ID: -1, Started: g.Started},
		"none":              {},
	} {
		if err := other.Stop(t.Context(), "another", nil); err != nil || !alive(first) || !alive(second) {
			t.Errorf("%s: %v, alive %t %t", name, err, alive(first), alive(second))
		}
	}
	if err := g.Stop(t.Context(), id(t), nil); err != nil || alive(first) || alive(second) {
		t.Errorf("%v, alive %t %t", err, alive(first), alive(second))
	}
}

func TestStopLeftoverByRunID(t *testing.T) {
	t.Parallel()
	_, first, second := leftover(t, escape, id(t))
	if err := (actions.Group{}).Stop(t.Context(), id(t), nil); err != nil || alive(first) || alive(second) {
		t.Errorf("%v, alive %t %t", err, alive(first), alive(second))
	}
}

func TestStopLeftoverByGroup(t *testing.T) {
	t.Parallel()
	g, bare, leader := leftover(t, "env -i sleep 1000 & echo $!; echo $$; sleep 1000", id(t))
	if err := g.Stop(t.Context(), "", nil); err != nil || alive(bare) || alive(leader) {
		t.Errorf("%v, alive %t %t", err, alive(bare), alive(leader))
	}
}

func TestStopMembersWithoutLeader(t *testing.T) {
	t.Parallel()
	var g actions.Group
	o := options(t)
	o.Started = func(started actions.Group) { g = started }
	r := run(t, "env -i sleep 1000 & echo $!; sleep 1000 & echo $!", o)
	bare, ours := r.pid(t), r.pid(t)
	if err := receive(t, "end", r.ended); err != nil {
		t.Fatal(err)
	}
	eventually(t, "env has dropped the id", func() bool { return !slices.Contains(carriers(t, o.Vars[0]), bare) })
	if err := g.Stop(t.Context(), id(t), nil); err != nil || !alive(bare) || alive(ours) {
		t.Errorf("%v, alive: without the id %t, with it %t", err, alive(bare), alive(ours))
	}
}

func TestStopObeysContext(t *testing.T) {
	t.Parallel()
	g, _, deaf := leftover(t, "trap '' TERM; echo $$; echo $$; while :; do sleep 1000; done", id(t))
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(errTimeout)
	if err := g.Stop(ctx, id(t), nil); !errors.Is(err, errTimeout) || !alive(deaf) {
		t.Errorf("%v, alive %t", err, alive(deaf))
	}
	kill := make(chan struct{})
	close(kill)
	if err := g.Stop(t.Context(), id(t), kill); err != nil || alive(deaf) {
		t.Errorf("%v, alive %t", err, alive(deaf))
	}
}

// An agent that its own action restarted carries the id of the run it ends.
func TestStopSparesItself(t *testing.T) {
	t.Parallel()
	cmd := helper("spare")
	cmd.Env = append(cmd.Env, "KITOPS_RUN_ID="+id(t))
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if out, err := cmd.CombinedOutput(); err != nil || string(out) != "alive\n" {
		t.Errorf("%v, printed %q", err, out)
	}
}
