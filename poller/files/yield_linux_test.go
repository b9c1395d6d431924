package files_test

import (
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bittrance/kitops/poller/files"
)

func TestYieldingWorkHasTheLowestPriority(t *testing.T) {
	priority := func() (nice int, disk uintptr) {
		raw, err := unix.Getpriority(unix.PRIO_PROCESS, unix.Gettid())
		must(t, err)
		disk, _, errno := unix.Syscall(unix.SYS_IOPRIO_GET, 1, 0, 0)
		if errno != 0 {
			t.Fatal(errno)
		}
		return 20 - raw, disk >> 13
	}
	before, _ := priority()
	var thread int
	files.Yielding(func() {
		thread = unix.Gettid()
		if nice, disk := priority(); nice != 19 || disk != 3 {
			t.Errorf("nice %d, class %d of the disk", nice, disk)
		}
	})
	if after, _ := priority(); after != before && unix.Gettid() != thread {
		t.Errorf("another thread has nice %d, was %d", after, before)
	}
	for unix.Tgkill(unix.Getpid(), thread, 0) == nil {
	}
}
