package actions_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"github.com/bittrance/kitops/actions"
)

// delegate makes a cgroup for a test, and returns "" where it may not.
func delegate(t *testing.T) string {
	t.Helper()
	for _, mount := range []string{"/sys/fs/cgroup/unified", "/sys/fs/cgroup"} {
		dir := filepath.Join(mount, fmt.Sprintf("actions-test-%d-%s", os.Getpid(), filepath.Base(t.Name())))
		if os.Mkdir(dir, 0o755) != nil {
			continue
		}
		if _, err := os.Stat(dir + "/cgroup.procs"); err != nil {
			os.Remove(dir) //nolint:errcheck // it was no cgroup
			continue
		}
		// What root makes by hand is nobody else's; systemd says the same by this.
		unix.Setxattr(dir, "user.delegate", []byte("1"), 0) //nolint:errcheck // asked for with systemd only
		t.Cleanup(func() {
			os.WriteFile(dir+"/cgroup.kill", []byte("1"), 0) //nolint:errcheck // empty is fine
			eventually(t, "the test's cgroup is gone", func() bool { return removed(dir) })
		})
		return dir
	}
	return ""
}

func removed(dir string) bool {
	entries, _ := os.ReadDir(dir)
	for _, entry := range entries {
		if entry.IsDir() {
			removed(filepath.Join(dir, entry.Name()))
		}
	}
	err := unix.Rmdir(dir)
	return err == nil || errors.Is(err, os.ErrNotExist)
}

// within starts a helper in a cgroup.
func within(t *testing.T, cmd *exec.Cmd, dir string) {
	t.Helper()
	f, err := os.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	cmd.SysProcAttr = &syscall.SysProcAttr{UseCgroupFD: true, CgroupFD: int(f.Fd())}
}

func runCgroups(parent string) (names []string) {
	all, _ := filepath.Glob(parent + "/run-*")
	for _, dir := range all {
		names = append(names, filepath.Base(dir))
	}
	return names
}

// dividing is a host that has divided its cgroup, which is parent.
func dividing(dir string) (h *host, parent string, end func(), err error) {
	h, end, err = newHost(dir)
	if err != nil {
		return nil, "", nil, err
	}
	if parent, err = actions.CgroupParent(); err == nil {
		err = h.all.UseCgroup()
	}
	if err != nil {
		end()
		return nil, "", nil, err
	}
	return h, parent, end, nil
}

// helpCgroup is an agent that has a cgroup to divide.
func helpCgroup(dir string) error {
	h, parent, end, err := dividing(dir)
	if err != nil {
		return err
	}
	defer end()
	if again, err := actions.CgroupParent(); err != nil || again != parent {
		return fmt.Errorf("moved, the parent is %s, %w, want %s", again, err, parent)
	}
	// A service stays in its run's cgroup, whatever happens to others.
	if err := h.act("a", fmt.Sprintf(bare, "service"), ""); err != nil || !h.lives("service") {
		return fmt.Errorf("service: %w, it lives: %t", err, h.lives("service"))
	}
	// It has no mark but its cgroup, and never stays the same process.
	hop := `trap "" TERM; echo x >> hops; env -i PATH="$PATH" setsid -f sh hop`
	if err := os.WriteFile(dir+"/hop", []byte(hop), 0o600); err != nil {
		return err
	}
	err = h.act("b", "env -i PATH=\"$PATH\" setsid -f sh hop; sleep 1000", "hops")
	if !errors.Is(err, errTimeout) || !h.lives("service") {
		return fmt.Errorf("hopping: %w, the service lives: %t", err, h.lives("service"))
	}
	if got := runCgroups(parent); len(got) != 1 || got[0] != fmt.Sprintf("run-a-%d", os.Getpid()) {
		return fmt.Errorf("cgroups %v, want that of the service", got)
	}
	size := func() int { text, _ := os.ReadFile(dir + "/hops"); return len(text) }
	before := size()
	time.Sleep(50 * time.Millisecond) // longer than a hop
	if size() != before {
		return errors.New("the hopping process lives on")
	}
	end()
	for len(runCgroups(parent)) > 0 { // until the service has ended, too
		if err := h.act("c", "exit 0", ""); err != nil {
			return err
		}
	}
	// The last one is for the next agent.
	former := h.last()
	go h.act("d", fmt.Sprintf(bare, "last")+"sleep 1000", "") //nolint:errcheck // killed
	for !h.lives("last") || h.last() == former {              // it may run before that it does is told
		time.Sleep(time.Millisecond)
	}
	return json.NewEncoder(os.Stdout).Encode(h.last())
}

// helpNoClone3 keeps the kernel from making children in a cgroup, as systemd
// does for units with RestrictNamespaces=, and becomes the agent.
func helpNoClone3() error {
	runtime.LockOSThread()
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS}, // the number of the system call
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: unix.SYS_CLONE3},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(unix.ENOSYS)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	if err := unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0); err != nil {
		return err
	}
	return become("cgroup", os.Args[1:]...)
}

// Where kitops may divide its cgroup, what a run started is found whatever it
// does to hide; elsewhere the reason is told.
func TestCgroup(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"cgroup", "noclone3"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			testCgroup(t, name)
		})
	}
}

func testCgroup(t *testing.T, name string) {
	t.Helper()
	parent := delegate(t)
	if parent == "" {
		if dir, err := actions.CgroupParent(); err == nil {
			t.Errorf("nothing can be made in %s", dir)
		}
		return
	}
	dir := t.TempDir()
	cmd := helper(name, dir)
	within(t, cmd, parent)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	var g actions.Group
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &g); err != nil {
		t.Fatal(err)
	}
	h := host{dir: dir}
	for name, other := range map[string]actions.Group{
		"another's": {Cgroup: filepath.Dir(g.Cgroup) + "/run-e"},
		"a parent":  {Cgroup: filepath.Dir(g.Cgroup)},
		"none":      {},
	} {
		if err := other.Stop(t.Context(), "e", nil); err != nil || !h.lives("last") {
			t.Errorf("%s: %v, alive %t", name, err, h.lives("last"))
		}
	}
	if err := g.Stop(t.Context(), fmt.Sprintf("d-%d", cmd.Process.Pid), nil); err != nil || h.lives("last") {
		t.Errorf("%v, alive %t", err, h.lives("last"))
	}
	if got := runCgroups(parent); len(got) != 0 {
		t.Errorf("cgroups %v are left", got)
	}
}
