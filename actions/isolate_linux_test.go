package actions_test

import (
	"os"
	"syscall"
	"testing"

	"github.com/bittrance/kitops/actions"
)

func TestIsolate(t *testing.T) {
	t.Parallel()
	cmd := helper("isolate")
	cmd.Dir = "/"
	if os.Geteuid() == 0 { // root reads everything, so be somebody else
		u, err := actions.LookupUser("nobody")
		if err != nil {
			t.Fatal(err)
		}
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(u.UID), Gid: uint32(u.GID)}}
	}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestReap(t *testing.T) {
	t.Parallel()
	if out, err := helper("reap").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
