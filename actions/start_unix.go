//go:build unix && !linux

package actions

import (
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

// startClean starts a command with default signals: those that the agent's
// parent ignored, as nohup does, are caught from here on, and nobody reads the
// channel. A signal that is blocked stays so; Go has no call for it here.
func startClean(cmd *exec.Cmd) (*exec.Cmd, error) {
	for number := syscall.Signal(1); number < 32; number++ {
		if signal.Ignored(number) { //nolint:forbidigo // it is for the child alone
			signal.Notify(make(chan os.Signal, 1), number) //nolint:forbidigo // it is for the child alone
		}
	}
	return cmd, cmd.Start()
}
