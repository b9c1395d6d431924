package actions

import (
	"errors"
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
		return startClean(build())
	}
	run := p.cgroup.of(t.runID)
	if run.make() != nil {
		return startClean(build())
	}
	t.cgroup = run
	cmd, err := (*exec.Cmd)(nil), error(unix.ENOSYS)
	if !p.moves {
		cmd, err = startCloned(build(), run)
	}
	if errors.Is(err, unix.ENOSYS) { // no clone3, as under RestrictNamespaces= of systemd
		p.moves = true
		cmd, err = p.startMoved(build(), run)
	}
	if errors.Is(err, unix.EPERM) || errors.Is(err, unix.EBUSY) || errors.Is(err, unix.EOPNOTSUPP) {
		t.cgroup = ""
		run.remove()
		return startClean(build())
	}
	return cmd, err
}

// startCloned lets the kernel make the child in the cgroup.
func startCloned(cmd *exec.Cmd, run cgroup) (*exec.Cmd, error) {
	dir, err := os.OpenFile(string(run), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	cmd.SysProcAttr.UseCgroupFD, cmd.SysProcAttr.CgroupFD = true, int(dir.Fd())
	return startClean(cmd)
}

// startMoved moves the agent into the cgroup while it makes the child. Should
// there be no way back, no run gets a cgroup from then on.
func (p *Processes) startMoved(cmd *exec.Cmd, run cgroup) (*exec.Cmd, error) {
	if run.enter() != nil {
		return nil, unix.EPERM
	}
	defer func() {
		if cgroup(p.cgroup.file(agentCgroup)).enter() != nil {
			p.cgroup = ""
		}
	}()
	return startClean(cmd)
}
