//go:build unix

package main

import (
	"os/signal"
	"syscall"
)

func notifyPlatform(s *signals) {
	signal.Notify(s.hups, syscall.SIGHUP)
	signal.Notify(s.kids, syscall.SIGCHLD)
}
