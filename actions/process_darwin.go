package actions

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// startOf returns the start of a process in time since 1970, "" if there is none.
func startOf(pid int) string {
	info, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	if err != nil || int(info.Proc.P_pid) != pid {
		return ""
	}
	start := info.Proc.P_starttime
	return fmt.Sprintf("%d.%06d", start.Sec, start.Usec)
}
