package main

import (
	"os"
	"os/signal"
	"syscall"

	"github.com/bittrance/kitops/actions"
)

// guard is the whole of a process that only ends a run. What ends the agent is not
// meant for it.
func guard() {
	signal.Ignore(syscall.SIGTERM, syscall.SIGHUP, os.Interrupt)
	if actions.RunGuard() != nil {
		os.Exit(exitFailure) // nobody hears a guard
	}
	os.Exit(0)
}
