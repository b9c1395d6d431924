package actions_test

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/bittrance/kitops/actions"
)

// helpUnseen prints what an agent without CAP_SYS_PTRACE cannot see.
func helpUnseen() error {
	runtime.LockOSThread()
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var none [2]unix.CapUserData
	if err := unix.Capset(&header, &none[0]); err != nil { // of this thread, which asks
		return err
	}
	all := &actions.Processes{}
	fmt.Println(strings.Join(slices.Concat(all.Unseen(nil), all.Unseen(&actions.User{Name: "deploy", UID: os.Geteuid() + 1})), "\n"))
	return nil
}

func TestUnseen(t *testing.T) {
	t.Parallel()
	if os.Geteuid() == 0 {
		if got := (&actions.Processes{}).Unseen(nil); len(got) > 0 {
			t.Errorf("root sees all, but %q", got)
		}
	}
	out, err := helper("unseen").CombinedOutput()
	want := "processes that an action starts as another user, as sudo does, may not be examined: kitops has no CAP_SYS_PTRACE\n" +
		"processes of user deploy may not be examined: kitops has no CAP_SYS_PTRACE\n"
	if err != nil || !strings.HasSuffix(string(out), want) {
		t.Errorf("%v, got %s", err, out)
	}
	if os.Geteuid() != 0 { // who may not mount
		return
	}
	script := `mount --make-rprivate / && mount -t proc -o hidepid=2 proc /proc && exec "$@"`
	cmd := helper("unseen")
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	hidden := exec.Command("/bin/sh", "-c", script, "sh", program)
	hidden.Env = cmd.Env
	hidden.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWPID}
	out, err = hidden.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "processes of user deploy are hidden from kitops: /proc is mounted with hidepid=") {
		t.Errorf("%v, got %s", err, out)
	}
}
