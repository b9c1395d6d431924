package main

import (
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// The exceptions that docs/many-instances.md names, beside TestAMachineThatFreezes: what of an action may go on beside another one
// although its lease is over, and what becomes of it.

// TestWorkThatWasHandedToAService goes on when the agent was killed: the action is ended, and nobody knows of the rest.
func TestWorkThatWasHandedToAService(t *testing.T) {
	scenic(t)
	t.Parallel()
	i := newInstances(t)
	i.write("hold", "")
	agents := []*waiting{i.agent("one", "one"), i.agent("two", "two")}
	i.await("one of them runs it", func() bool { return i.exists("holder") })
	service := exec.Command("sleep", "600") // this test is a service, which gets work by the action
	if err := service.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = service.Process.Kill(); _ = service.Wait() }()
	pid := strconv.Itoa(service.Process.Pid)
	action := pidIn(t, i.path("pids"))
	i.write("pids", readFile(t, i.path("pids"))+pid+"\n")
	i.killHolder(agents)
	i.await("the other runs it", func() bool { return i.contains("done", "\n") })
	if beside := strings.Fields(readFile(t, i.path("overlaps"))); len(beside) != 1 || beside[0] != pid {
		t.Errorf("it ran beside %q, want the service alone, %s", beside, pid)
	}
	if syscall.Kill(action, 0) == nil {
		t.Error("the action itself lives")
	}
}

// TestAnActionThatIsToFinish goes on without its lease, beside another one, and what it did is not recorded.
func TestAnActionThatIsToFinish(t *testing.T) {
	scenic(t)
	t.Parallel()
	i := newInstances(t)
	i.write("hold", "")
	i.write("tasks.yaml", fmt.Sprintf("tasks: [{name: shop, git: {url: %q}, on_lost_lease: finish, actions: [{run: %q, environment: {PLACE: %q}}]}]\n",
		i.repo.Dir, strings.Replace(overlapping, "while :", "while ! test -e free", 1), i.dir))
	var agents []*waiting
	for _, name := range []string{"one", "two"} {
		w := &waiting{t: t, dir: i.path(name), repo: i.repo, env: i.env()}
		w.args = []string{"--config-file", i.path("tasks.yaml"), "--state", i.state, "--instance", name}
		if err := os.MkdirAll(w.dir, 0o700); err != nil {
			t.Fatal(err)
		}
		w.start()
		agents = append(agents, w)
	}
	i.await("one of them runs it", func() bool { return i.exists("holder") })
	holder := pidIn(t, i.path("holder"))
	if guardOf(holder) != 0 {
		t.Error("it has a guard, which would end it")
	}
	if err := syscall.Kill(holder, syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	i.await("the other runs it", func() bool { return i.contains("done", "\n") })
	if !i.exists("overlaps") {
		t.Error("it was ended")
	}
	_ = syscall.Kill(holder, syscall.SIGCONT)
	i.write("free", "")
	i.await("it has ended by itself", func() bool { return strings.Count(readFile(t, i.path("done")), "\n") == 2 })
	next := i.repo.Commit(map[string]string{"file": "two"})
	i.await("the next revision runs", func() bool { return i.contains("done", next) })
	for _, agent := range agents {
		agent.stop(1, stopLimit+stall)
	}
	if runs := strings.Count(readFile(t, i.path("ran")), "\n"); runs != 3 {
		t.Errorf("%d runs, want 3", runs)
	}
}

// TestAProcessThatTheKernelDoesNotEnd is waited for by nobody, and does nothing more when it can end.
func TestAProcessThatTheKernelDoesNotEnd(t *testing.T) {
	scenic(t)
	if os.Geteuid() != 0 { // who may not mount
		return
	}
	t.Parallel()
	i := newInstances(t)
	asked, release := hangingMount(t, i.path("hang"))
	i.write("hold", "")
	stuck := []string{"--action", overlapping[:strings.Index(overlapping, "test -e deaf")] + "echo $PPID > holder.new; mv holder.new holder; cat hang/file; fi\necho $KITOPS_SHA >> done"}
	agents := []*waiting{i.agent("one", "one", stuck...), i.agent("two", "two", stuck...)}
	i.await("one of them runs it", func() bool { return i.exists("holder") })
	cat := 0
	i.await("the kernel has it", func() bool {
		select {
		case cat = <-asked:
			return true
		default:
			return false
		}
	})
	i.write("pids", readFile(t, i.path("pids"))+strconv.Itoa(cat)+"\n")
	i.killHolder(agents)
	i.await("the other runs it", func() bool { return i.contains("done", "\n") })
	if beside := strings.Fields(readFile(t, i.path("overlaps"))); len(beside) != 1 || beside[0] != strconv.Itoa(cat) {
		t.Errorf("it ran beside %q, want what hangs alone, %d", beside, cat)
	}
	if state := readFile(t, fmt.Sprintf("/proc/%d/stat", cat)); !strings.Contains(state, ") D ") {
		t.Errorf("it does not hang: %s", state)
	}
	release()
	i.await("it ends", func() bool { return syscall.Kill(cat, 0) != nil })
	if done := strings.Count(readFile(t, i.path("done")), "\n"); done != 1 {
		t.Errorf("%d actions were done, want 1", done)
	}
}

// killHolder kills the agent that runs the action.
func (i *instances) killHolder(agents []*waiting) {
	holder := pidIn(i.t, i.path("holder"))
	for _, agent := range agents {
		if agent.cmd.Process.Pid == holder {
			_ = agent.cmd.Process.Kill()
			<-agent.ended
		}
	}
}

// hangingMount mounts a file system by FUSE that answers nothing after its first word, until release is called: whoever asks it
// for something cannot even be killed. Asked gets the first process that does. See fuse(4).
func hangingMount(t *testing.T, dir string) (asked chan int, release func()) {
	t.Helper()
	device, err := unix.Open("/dev/fuse", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("hang", dir, "fuse", unix.MS_NOSUID|unix.MS_NODEV, fmt.Sprintf("fd=%d,rootmode=40000,user_id=0,group_id=0", device)); err != nil {
		t.Fatal(err)
	}
	release = sync.OnceFunc(func() { _ = unix.Unmount(dir, unix.MNT_FORCE|unix.MNT_DETACH) }) // what is asked fails then
	t.Cleanup(release)
	asked = make(chan int, 1)
	go func() {
		defer func() { _ = unix.Close(device) }()
		request := make([]byte, 1<<20)
		for {
			n, err := unix.Read(device, request)
			if err == unix.EINTR {
				continue
			}
			if err != nil || n < 40 {
				return
			}
			const lookup, initialize = 1, 26
			switch binary.NativeEndian.Uint32(request[4:]) {
			case lookup: // and never an answer
				select {
				case asked <- int(binary.NativeEndian.Uint32(request[32:])):
				default:
				}
				continue
			case initialize:
			default:
				continue
			}
			answer := make([]byte, 16+64)
			binary.NativeEndian.PutUint32(answer, uint32(len(answer)))
			copy(answer[8:16], request[8:16])
			binary.NativeEndian.PutUint32(answer[16:], 7)  // the protocol
			binary.NativeEndian.PutUint32(answer[20:], 31) // and its minor version
			binary.NativeEndian.PutUint32(answer[36:], 4096)
			if _, err := unix.Write(device, answer); err != nil {
				return
			}
		}
	}()
	return asked, release
}
