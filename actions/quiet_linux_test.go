package actions

import (
	"errors"
	"os"
	"runtime"
	"testing"

	"golang.org/x/sys/unix"
)

// TestMightyActionsAreNeverQuiet gives a thread what a unit with AmbientCapabilities gives a process.
func TestMightyActionsAreNeverQuiet(t *testing.T) {
	if mighty() {
		t.Fatal("this process may do all, although nobody has seen to that")
	}
	if os.Geteuid() != 0 {
		return // and can give nothing
	}
	for name, capability := range map[string]uintptr{"mount": unix.CAP_SYS_ADMIN, "set the clock": unix.CAP_SYS_TIME} {
		found := make(chan error)
		go func() {
			runtime.LockOSThread() // the thread ends with the goroutine
			head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
			var data [2]unix.CapUserData
			err := unix.Capget(&head, &data[0])
			data[0].Inheritable |= 1 << capability
			err = errors.Join(err, unix.Capset(&head, &data[0]), unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_RAISE, capability, 0, 0))
			if err == nil && !mighty() {
				err = errors.New("nobody sees it")
			}
			found <- err
		}()
		if err := <-found; err != nil {
			t.Errorf("who may %s: %v", name, err)
		}
	}
}
