package actions

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// startClean starts a command that inherits no signal that is blocked or
// ignored, and no capability that outlives a change of user or an exec: neither
// an inheritable nor an ambient one. What a child inherits is what the thread
// has that forks it.
func startClean(cmd *exec.Cmd) (*exec.Cmd, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := catchIgnored(); err != nil {
		return nil, err
	}
	if err := dropInheritable(); err != nil {
		return nil, err
	}
	var none, own unix.Sigset_t
	if err := unix.PthreadSigmask(unix.SIG_SETMASK, &none, &own); err != nil {
		return nil, fmt.Errorf("unblock signals: %w", err)
	}
	defer unix.PthreadSigmask(unix.SIG_SETMASK, &own, nil) //nolint:errcheck // it was valid
	return cmd, cmd.Start()
}

// catchIgnored makes ignored signals default ones for commands, as only a
// handler can. For the agent they stay ignored: nobody reads the channel.
func catchIgnored() error {
	ignored, err := ignoredSignals()
	if err != nil || ignored == 0 {
		return err
	}
	for number := syscall.Signal(1); number <= 64; number++ {
		switch {
		case ignored&(1<<(number-1)) == 0:
		case number >= 32 && number <= 34: // the C library's own, with which Go does not meddle
			var byDefault [8]uintptr // larger than the kernel's struct sigaction; zero is SIG_DFL
			_, _, errno := unix.RawSyscall6(unix.SYS_RT_SIGACTION, uintptr(number), uintptr(unsafe.Pointer(&byDefault)), 0, 8, 0, 0)
			if errno != 0 {
				return fmt.Errorf("stop ignoring signal %d: %w", number, errno)
			}
		default:
			signal.Notify(make(chan os.Signal, 1), number) //nolint:forbidigo // it is for the child alone
		}
	}
	return nil
}

// ignoredSignals returns a bit for each, 1 being that of signal 1; none where
// /proc is not mounted.
func ignoredSignals() (uint64, error) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, nil //nolint:nilerr // a host without /proc has no other way to tell
	}
	_, rest, _ := bytes.Cut(status, []byte("\nSigIgn:"))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	mask, err := strconv.ParseUint(string(bytes.TrimSpace(line)), 16, 64)
	if err != nil {
		return 0, fmt.Errorf("read which signals are ignored: %w", err)
	}
	return mask, nil
}

// dropInheritable takes the inheritable capabilities from the calling thread,
// and by that the ambient ones, see capabilities(7).
func dropInheritable() error {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var sets [2]unix.CapUserData
	if err := unix.Capget(&header, &sets[0]); err != nil {
		return fmt.Errorf("read capabilities: %w", err)
	}
	if sets[0].Inheritable|sets[1].Inheritable == 0 {
		return nil
	}
	sets[0].Inheritable, sets[1].Inheritable = 0, 0
	if err := unix.Capset(&header, &sets[0]); err != nil {
		return fmt.Errorf("drop inheritable capabilities: %w", err)
	}
	return nil
}
