//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

func notifyPlatform(s *signals) {
	signal.Notify(s.hups, syscall.SIGHUP)
	signal.Notify(s.kids, syscall.SIGCHLD)
	signal.Notify(s.polls, syscall.SIGUSR1)
}

// outliveReaders lets the process go on when whoever reads its log goes away:
// writing fails then, and ends nothing. Nobody receives the signal. To ignore it
// would do as much, but actions would inherit that.
func outliveReaders() (stop func()) {
	pipes := make(chan os.Signal, 1)
	signal.Notify(pipes, syscall.SIGPIPE)
	return func() { signal.Stop(pipes) }
}

// terminal is the controlling terminal that the agent was started in.
type terminal struct{ had bool }

// controllingTerminal finds none under nohup(1), which ignores SIGHUP.
func controllingTerminal() terminal {
	return terminal{had: openTerminal() && !signal.Ignored(syscall.SIGHUP)}
}

// gone tells whether it was closed since.
func (t terminal) gone() bool { return t.had && !openTerminal() }

func openTerminal() bool {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR|syscall.O_NOCTTY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return false
	}
	_ = tty.Close()
	return true
}
