package actions_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bittrance/kitops/actions"
)

// TestNice: all of an action is nicer, and the agent is not.
func TestNice(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	o := actions.Options{Dir: "/", Environ: []string{path}, Processes: &actions.Processes{}, Out: &out, Limits: actions.Limits{Nice: 7}}
	if err := sh("nice; (nice)").Run(t.Context(), o); err != nil || out.String() != "7\n7\n" {
		t.Errorf("%q, %v", out.String(), err)
	}
	if got, err := unix.Getpriority(unix.PRIO_PROCESS, os.Getpid()); err != nil || got != 20 { // as the kernel says 0
		t.Errorf("the agent has %d, %v", got, err)
	}
}

func TestTheTighterLimitHolds(t *testing.T) {
	t.Parallel()
	got := actions.Limits{Memory: 5, CPU: 1, IOWeight: 10, Nice: 3, Workdir: 7}.And(actions.Limits{Memory: 4, CPU: 2, PIDs: 6, Nice: 1})
	if want := (actions.Limits{Memory: 4, CPU: 1, PIDs: 6, IOWeight: 10, Nice: 3, Workdir: 7}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestLimitsNeedACgroup: without one nothing runs unlimited.
func TestLimitsNeedACgroup(t *testing.T) {
	t.Parallel()
	limits := actions.Limits{Memory: 1 << 30, PIDs: 5}
	ran := filepath.Join(t.TempDir(), "ran")
	for _, all := range []*actions.Processes{nil, {}} {
		o := actions.Options{Dir: "/", Environ: []string{path}, Vars: []string{"KITOPS_RUN_ID=x"}, Processes: all, Limits: limits}
		if err := sh("touch "+ran).Run(t.Context(), o); err == nil || !strings.Contains(err.Error(), "limits: memory, pids cannot be set") {
			t.Error(err)
		}
	}
	if _, err := os.Stat(ran); err == nil {
		t.Error("it ran")
	}
	if err := (&actions.Processes{}).Allow(limits); err == nil || !strings.HasPrefix(err.Error(), "limits: memory, pids cannot be set: ") {
		t.Error(err)
	}
	if err := (&actions.Processes{}).Allow(actions.Limits{Nice: 3}); err != nil {
		t.Error(err)
	}
}

// helpLimits is an agent that has a cgroup to divide: what the host has a controller for is limited,
// and all else is refused.
func helpLimits(dir string) error {
	h, parent, end, err := dividing(dir)
	if err != nil {
		return err
	}
	defer end()
	controllers, err := os.ReadFile(filepath.Join(parent, "cgroup.controllers"))
	if err != nil {
		return err
	}
	for name, c := range map[string]struct {
		limits     actions.Limits
		file, want string
		beyond     string // fails
		without    string
		named      bool // in the error
	}{
		"memory": {actions.Limits{Memory: 32 << 20}, "memory.max", "33554432", "head -c 200000000 /dev/zero | tail", "max", true},
		"cpu":    {actions.Limits{CPU: 0.5}, "cpu.max", "50000 100000", "exit 1", "max 100000", false},
		"pids":   {actions.Limits{PIDs: 3}, "pids.max", "3", "sleep 1 & sleep 1 & sleep 1 & sleep 1 & wait", "max", true},
		"io":     {actions.Limits{IOWeight: 50}, "io.weight", "default 50", "exit 1", "default 100", false},
	} {
		run := func(script string) (string, error) {
			var out bytes.Buffer
			o := actions.Options{Dir: dir, Environ: []string{path}, Vars: []string{"KITOPS_RUN_ID=" + name}, Processes: h.all, Out: &out, Limits: c.limits}
			err := sh(script).Run(context.Background(), o)
			return strings.TrimSpace(out.String()), err
		}
		allowed := h.all.Allow(c.limits)
		got, err := run("cat " + filepath.Join(parent, "run-"+name, c.file))
		if !slices.Contains(strings.Fields(string(controllers)), name) {
			if want := parent + " has no controller " + name; allowed == nil || err == nil || !strings.Contains(allowed.Error(), want) || !strings.Contains(err.Error(), want) {
				return fmt.Errorf("%s: %w, %w", name, allowed, err)
			}
			continue
		}
		if allowed != nil || err != nil || got != c.want {
			return fmt.Errorf("%s: %q, %w, %w", name, got, allowed, err)
		}
		_, err = run(c.beyond)
		var limit *actions.LimitError
		if named := errors.As(err, &limit) && slices.Equal(limit.Limits, []string{name}); err == nil || named != c.named {
			return fmt.Errorf("%s: more was allowed, or the limit is not named: %w", name, err)
		}
		if c.limits.CPU > 0 { // what runs is slowed down
			if _, err := run("while grep -qx 'nr_throttled 0' " + filepath.Join(parent, "run-"+name, "cpu.stat") + "; do :; done"); err != nil {
				return fmt.Errorf("cpu: %w", err)
			}
		}
		c.limits = actions.Limits{}
		if got, err := run("cat " + filepath.Join(parent, "run-"+name, c.file)); err != nil || got != c.without {
			return fmt.Errorf("%s: an action without limits has those of the one before: %s, %w", name, got, err)
		}
	}
	return nil
}

func TestLimits(t *testing.T) {
	t.Parallel()
	parent := delegate(t)
	if os.Getenv("KITOPS_TEST_LIMITS") == "all" { // .ci/limits: the host has all of them
		got, _ := os.ReadFile(filepath.Join(parent, "cgroup.controllers"))
		for _, name := range []string{"memory", "cpu", "pids", "io"} {
			if !slices.Contains(strings.Fields(string(got)), name) {
				t.Fatalf("%s has the controllers %s", parent, got)
			}
		}
	}
	if parent == "" {
		return // TestLimitsNeedACgroup
	}
	cmd := helper("limits", t.TempDir())
	within(t, cmd, parent)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
	if got := runCgroups(parent); len(got) != 0 {
		t.Errorf("cgroups %v are left", got)
	}
}
