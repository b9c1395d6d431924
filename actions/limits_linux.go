package actions

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/bittrance/kitops/poller/files"
)

// Supports says why limits cannot be set here. It changes nothing.
func Supports(l Limits) error {
	if l.names() == "" {
		return nil
	}
	dir, err := CgroupParent()
	if err != nil {
		return fmt.Errorf("limits: %s cannot be set: %w", l.names(), err)
	}
	return cgroup(dir).offers(l.settings())
}

// Allow readies the host for limits. The error says why they cannot be set here.
func (p *Processes) Allow(l Limits) error {
	if err := Supports(l); err != nil || l.names() == "" {
		return err
	}
	p.mu.Lock()
	parent := p.cgroup
	p.mu.Unlock()
	if parent == "" {
		return fmt.Errorf("limits: %s cannot be set: kitops could not move into a cgroup of its own", l.names())
	}
	return parent.enable(l.settings())
}

// offers says which controller of limits is missing.
func (c cgroup) offers(wanted []setting) error {
	there, err := os.ReadFile(c.file("cgroup.controllers"))
	if err != nil {
		return fmt.Errorf("limits: %w", err)
	}
	for _, s := range wanted {
		if !slices.Contains(strings.Fields(string(there)), s.controller) {
			return fmt.Errorf("limits: the cgroup %s has no controller %s: Delegate=yes in the unit gives kitops all of them, unless the host has it in cgroup v1", c, s.controller)
		}
	}
	return nil
}

// enable has the cgroups of runs have the controllers of limits.
func (c cgroup) enable(wanted []setting) error {
	if err := c.offers(wanted); err != nil {
		return err
	}
	enabled, err := os.ReadFile(c.file("cgroup.subtree_control"))
	if err != nil {
		return fmt.Errorf("limits: %w", err)
	}
	for _, s := range wanted {
		if slices.Contains(strings.Fields(string(enabled)), s.controller) {
			continue
		}
		if err := c.set("cgroup.subtree_control", "+"+s.controller); err != nil {
			if errors.Is(err, unix.EBUSY) {
				err = errors.New("other processes are in it: start kitops in a cgroup of its own, as by a unit of systemd or by systemd-run -p Delegate=yes")
			}
			return fmt.Errorf("limits: give the cgroup %s the controller %s: %w", c, s.controller, err)
		}
	}
	return nil
}

// limit sets the limits of a run, in the place of those that an action before had.
func (c cgroup) limit(l Limits) error {
	wanted := l.settings()
	for _, s := range unlimited() {
		if !slices.ContainsFunc(wanted, func(w setting) bool { return w.file == s.file }) {
			if err := c.set(s.file, s.value); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("limits: write %q to %s: %w", s.value, c.file(s.file), err)
			}
		}
	}
	if len(wanted) == 0 {
		return nil
	}
	if err := cgroup(filepath.Dir(string(c))).enable(wanted); err != nil {
		return err
	}
	for _, s := range wanted {
		if err := c.set(s.file, s.value); err != nil {
			return fmt.Errorf("limits: write %q to %s: %w", s.value, c.file(s.file), err)
		}
	}
	return nil
}

// strikes is how often the kernel has ended processes, or refused them, for a limit that the run has.
func (c cgroup) strikes(l Limits) map[string]int {
	found := map[string]int{}
	for _, s := range []struct {
		limited           bool
		name, file, field string
	}{{l.Memory > 0, "memory", "memory.events", "oom_kill "}, {l.PIDs > 0, "pids", "pids.events", "max "}} {
		text, err := os.ReadFile(c.file(s.file))
		if !s.limited || err != nil {
			continue
		}
		for line := range strings.Lines(string(text)) {
			if count, ok := strings.CutPrefix(line, s.field); ok {
				found[s.name], _ = strconv.Atoi(strings.TrimSpace(count))
			}
		}
	}
	return found
}

// struck names the limits at which the run has been since the command started.
func (t *tree) struck(ended error) error {
	if ended == nil || t.cgroup == "" {
		return ended
	}
	var names []string
	for name, count := range t.cgroup.strikes(t.limits) {
		if count > t.strikes[name] {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return ended
	}
	slices.Sort(names)
	return &LimitError{ended, names}
}

// lift takes back, for a moment, the limits that the agent would notice.
func (c cgroup) lift(l Limits) error {
	for name, there := range map[string]bool{"memory.max": l.Memory > 0, "cpu.max": l.CPU > 0} {
		if there {
			if err := c.set(name, "max"); err != nil {
				return fmt.Errorf("limits: %w", err)
			}
		}
	}
	return nil
}

// set writes to a file that the kernel has made.
func (c cgroup) set(name, value string) error {
	f, err := os.OpenFile(c.file(name), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	return errors.Join(err, f.Close())
}

// startNicely starts a command whose processes have a nice value from their first
// instruction on: they inherit that of the thread, which ends then, as an agent that is
// not root could not take it back.
func startNicely(cmd *exec.Cmd, l Limits) (*exec.Cmd, error) {
	if l.Nice == 0 {
		return startClean(cmd)
	}
	var err error
	files.OnThreadOfItsOwn(func() {
		if err = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), l.Nice); err != nil {
			err = fmt.Errorf("limits: nice %d: %w", l.Nice, err)
			return
		}
		_, err = startClean(cmd)
	})
	if err == nil { // each session is scheduled as one, where the kernel does that, see sched(7)
		_ = os.WriteFile(filepath.Join("/proc", strconv.Itoa(cmd.Process.Pid), "autogroup"), []byte(strconv.Itoa(l.Nice)), 0)
	}
	return cmd, err
}
