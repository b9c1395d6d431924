//go:build unix && !linux

package actions

import (
	"os"
	"strconv"

	"golang.org/x/sys/unix"
)

// mostDescriptors is how many are looked at where /dev/fd does not list them.
const mostDescriptors = 256

// Isolate closes every descriptor above standard error to the commands that
// the agent starts. Call it once, first thing in main.
func Isolate() error {
	for fd := 3; fd < mostDescriptors; fd++ {
		unix.CloseOnExec(fd)
	}
	names, err := os.ReadDir("/dev/fd")
	if err != nil {
		return nil //nolint:nilerr // the usual ones are done
	}
	for _, name := range names {
		if fd, err := strconv.Atoi(name.Name()); err == nil && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
	return nil
}
