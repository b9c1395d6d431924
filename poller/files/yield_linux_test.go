package files_test

import (
	"runtime"
	"testing"
	"time"

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
	if thread == unix.Getpid() {
		t.Error("the main thread has done the work, which does not end")
	}
	for end := time.Now().Add(time.Minute); unix.Tgkill(unix.Getpid(), thread, 0) == nil; runtime.Gosched() {
		if time.Now().After(end) {
			t.Fatal("the thread has not ended with its work")
		}
	}
}
