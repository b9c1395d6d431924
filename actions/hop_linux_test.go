package actions_test

import (
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// A hopper is a new process each millisecond or so, too fast for who
// reads a list of processes and then looks at one after the other.
func TestStopEndsHoppers(t *testing.T) {
	t.Parallel()
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range []string{"one session", "session of its own each"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			o := options(t)
			o.Grace = 200 * time.Millisecond
			o.Vars = append(o.Vars, helperKey+"=hop")
			r := run(t, fmt.Sprintf("setsid '%s' '%s' & exec sleep 1000", program, kind), o)
			r.pid(t)
			r.stopped(t)
			if left := carriers(t, o.Vars[0]); len(left) > 0 {
				t.Errorf("%v carry the run's id", left)
			}
		})
	}
}

// helpHop is a hopper, for a minute at most. After the first fork it is no whole
// Go program any more: one thread, that may do nothing but system calls.
func helpHop(kind string) error {
	signal.Ignore(syscall.SIGTERM)
	runtime.LockOSThread()
	fmt.Println(os.Getpid())
	var limit, now unix.Timespec
	pause := unix.NsecToTimespec(time.Millisecond.Nanoseconds())
	if err := unix.ClockGettime(unix.CLOCK_MONOTONIC, &limit); err != nil {
		return err
	}
	for {
		child, _, errno := unix.RawSyscall6(unix.SYS_CLONE, uintptr(unix.SIGCHLD), 0, 0, 0, 0, 0)
		if child != 0 || errno != 0 {
			unix.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0) //nolint:errcheck // nobody is there to hear of it
		}
		unix.Nanosleep(&pause, nil) //nolint:errcheck // shorter is fine
		if kind != "one session" {
			unix.RawSyscall(unix.SYS_SETSID, 0, 0, 0) //nolint:errcheck // nobody is there to hear of it
		}
		if unix.ClockGettime(unix.CLOCK_MONOTONIC, &now); now.Sec > limit.Sec+60 { //nolint:errcheck // it did before
			unix.RawSyscall(unix.SYS_EXIT_GROUP, 0, 0, 0) //nolint:errcheck // nobody is there to hear of it
		}
	}
}
