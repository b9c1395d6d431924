package main

// notifyPlatform has nothing to do: Windows has none of these signals.
func notifyPlatform(*signals) {}

// outliveReaders has nothing to do: writing to nobody only fails.
func outliveReaders() (stop func()) { return func() {} }

// terminal is unknown here: closing the window ends the program.
type terminal struct{}

func controllingTerminal() terminal { return terminal{} }

func (terminal) gone() bool { return false }
