//go:build unix

package setup

import (
	"os/exec"
	"syscall"
)

// detach keeps Ctrl-C from the command.
func detach(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} }
