package status

import (
	"os"

	"golang.org/x/sys/windows"
)

// showsEscapes has the console understand escape sequences, which older ones do
// only when they are asked to.
func showsEscapes(f *os.File) bool {
	var mode uint32
	console := windows.Handle(f.Fd())
	if windows.GetConsoleMode(console, &mode) != nil {
		return false
	}
	return windows.SetConsoleMode(console, mode|windows.ENABLE_VIRTUAL_TERMINAL_PROCESSING) == nil
}
