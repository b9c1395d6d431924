package files

import "golang.org/x/sys/unix"

// See ioprio_set(2).
const (
	ioprioWhoProcess = 1
	ioprioIdle       = 3 << 13
)

// yield lowers the thread's priority. Where the system refuses that, the work is done all the same.
func yield() {
	_ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), 19)
	_, _, _ = unix.Syscall(unix.SYS_IOPRIO_SET, ioprioWhoProcess, 0, ioprioIdle)
}

func onMainThread() bool { return unix.Gettid() == unix.Getpid() }
