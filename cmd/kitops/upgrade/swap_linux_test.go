package upgrade

import (
	"bytes"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// killKey has a process of the tests swap programs and end by SIGKILL before its nth call.
const killKey = "KITOPS_TEST_KILL_AT"

func TestMain(m *testing.M) {
	if at, folder, ok := strings.Cut(os.Getenv(killKey), " "); ok {
		os.Exit(swapUntil(at, folder))
	}
	os.Exit(m.Run())
}

// swapUntil puts 0.2.0 in place, then 0.1.0 back.
func swapUntil(at, folder string) int {
	left, _ := strconv.Atoi(at)
	s := &Swap{Target: filepath.Join(folder, "kitops"), step: func(string) {
		if left--; left < 0 {
			_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
			select {}
		}
	}}
	file, err := s.begin()
	if err == nil {
		_, err = file.WriteString(script("0.2.0"))
	}
	if err == nil {
		err = s.seal(file)
	}
	if err == nil {
		err = s.finish(file.Name())
	}
	if err == nil {
		err = s.Restore()
	}
	if err != nil {
		return 1
	}
	return 0
}

// TestKilledAtEveryCall: a program that works is at the path, and the next upgrade goes well.
func TestKilledAtEveryCall(t *testing.T) {
	t.Parallel()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for n := 0; ; n++ {
		dir := t.TempDir()
		target := filepath.Join(dir, "kitops")
		put(t, target, script("0.1.0"))
		cmd := exec.Command(self)
		cmd.Env = append(os.Environ(), killKey+"="+strconv.Itoa(n)+" "+dir)
		out, err := cmd.CombinedOutput()
		whole := err == nil
		if status := cmd.ProcessState.Sys().(syscall.WaitStatus); !whole && status.Signal() != syscall.SIGKILL {
			t.Fatalf("%v\n%s", err, out)
		}
		version, err := Trier{}.Version(t.Context(), target)
		if err != nil {
			t.Fatalf("killed before call %d: %v", n, err)
		}
		seen[version] = true
		if old, err := os.ReadFile(target + ".old"); err == nil && string(old) != script("0.1.0") {
			t.Errorf("killed before call %d: kept %q", n, old)
		}
		if swapUntil("1000", dir) != 0 {
			t.Errorf("killed before call %d: the next upgrade fails", n)
		}
		if entries, err := os.ReadDir(dir); err != nil || len(entries) != 2 {
			t.Errorf("killed before call %d: left %v", n, entries)
		}
		if whole {
			if n < 10 || !seen["0.1.0"] || !seen["0.2.0"] {
				t.Errorf("%d calls, seen %v", n, seen)
			}
			return
		}
	}
}

// TestSwapKeepsOwnerAndCapabilities, where the tests may give them.
func TestSwapKeepsOwnerAndCapabilities(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		return // only root can give them
	}
	m := newMachine(t, "0.1.0")
	publish(t, m.release, "0.2.0", script("0.2.0"), private(1))
	capability, err := hex.DecodeString("0100000200040000000000000000000000000000") // cap_net_bind_service=ep, see capabilities(7)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(m.Program, 1234, 4321); err != nil {
		t.Fatal(err)
	}
	if err := unix.Setxattr(m.Program, "security.capability", capability, 0); err != nil {
		t.Fatal(err)
	}
	if err := m.Run(t.Context()); err != nil {
		t.Fatal(err)
	}
	info, err := os.Stat(m.Program)
	if err != nil {
		t.Fatal(err)
	}
	owner := info.Sys().(*syscall.Stat_t)
	got, err := label(m.Program, "security.capability")
	if owner.Uid != 1234 || owner.Gid != 4321 || err != nil || !bytes.Equal(got, capability) {
		t.Errorf("owner %d:%d, capability %x, %v", owner.Uid, owner.Gid, got, err)
	}
}
