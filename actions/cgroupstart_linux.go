package actions

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/sys/unix"
)

// startInCgroup starts a command in the cgroup of its run, from its first
// instruction on. Where the kernel does not let it, the command starts without.
// Called with the lock of Processes held.
func (t *tree) startInCgroup(build func() *exec.Cmd, p *Processes) (*exec.Cmd, error) {
	if p.cgroup == "" || t.runID == "" || strings.ContainsAny(t.runID, "/\x00\n") {
		return t.startOutside(build, nil)
	}
	run := p.cgroup.of(t.runID)
	if err := run.make(); err != nil {
		return t.startOutside(build, err)
	}
	if err := run.limit(t.limits); err != nil {
		return nil, err
	}
	t.cgroup, t.strikes = run, run.strikes(t.limits)
	cmd, err := (*exec.Cmd)(nil), error(unix.ENOSYS)
	if !p.moves {
		cmd, err = t.startCloned(build(), run)
	}
	if errors.Is(err, unix.ENOSYS) { // no clone3, as under RestrictNamespaces= of systemd
		p.moves = true
		cmd, err = p.startMoved(build(), run, t.limits)
	}
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EBUSY) || errors.Is(err, unix.EOPNOTSUPP) {
		t.cgroup = ""
		run.remove()
		return t.startOutside(build, err)
	}
	return cmd, err
}

// startOutside starts a command without a cgroup of its run, which has to have no limits then.
func (t *tree) startOutside(build func() *exec.Cmd, err error) (*exec.Cmd, error) {
	if names := t.limits.names(); names != "" {
		return nil, errors.Join(fmt.Errorf("limits: %s cannot be set without a cgroup of the run", names), err)
	}
	return startNicely(build(), t.limits)
}

// startCloned lets the kernel make the child in the cgroup.
func (t *tree) startCloned(cmd *exec.Cmd, run cgroup) (*exec.Cmd, error) {
	dir, err := os.OpenFile(string(run), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	cmd.SysProcAttr.UseCgroupFD, cmd.SysProcAttr.CgroupFD = true, int(dir.Fd())
	return startNicely(cmd, t.limits)
}

// startMoved moves the agent into the cgroup while it makes the child, without what
// would slow it down or end it there. Should there be no way back, no run gets a cgroup
// from then on.
func (p *Processes) startMoved(cmd *exec.Cmd, run cgroup, l Limits) (*exec.Cmd, error) {
	if err := run.lift(l); err != nil {
		return nil, err
	}
	if run.enter() != nil {
		return nil, unix.EPERM
	}
	cmd, err := startNicely(cmd, l)
	if cgroup(p.cgroup.file(agentCgroup)).enter() != nil {
		p.cgroup = ""
		return cmd, err
	}
	if err == nil {
		if err = run.limit(l); err != nil {
			cmd.Process.Kill() //nolint:errcheck // Wait tells
			cmd.Wait()         //nolint:errcheck // killed
		}
	}
	return cmd, err
}
