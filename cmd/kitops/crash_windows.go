package main

import "runtime/debug"

// crashBySignal makes a crash of the program end it with the code of an
// exception. Go's own exit code for it is 2, which means a mistake in the
// configuration.
func crashBySignal(bool) { debug.SetTraceback("crash") }
