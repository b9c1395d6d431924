//go:build unix

package main

import (
	"runtime/debug"
	"syscall"
)

// crashBySignal makes a crash of the program end it by SIGABRT. Go's own exit
// code for it is 2, which means a mistake in the configuration, and that no
// service manager mends by a restart. A core would hold secrets: a process that
// is isolated leaves none, for others it is turned off here.
func crashBySignal(isolated bool) {
	if !isolated {
		var limit syscall.Rlimit
		if syscall.Getrlimit(syscall.RLIMIT_CORE, &limit) != nil {
			return
		}
		limit.Cur = 0
		if syscall.Setrlimit(syscall.RLIMIT_CORE, &limit) != nil {
			return
		}
	}
	debug.SetTraceback("crash")
}
