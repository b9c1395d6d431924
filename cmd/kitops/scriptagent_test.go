//go:build unix

package main

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/bittrance/kitops/poller/git/gittest"
)

// world is what the commands of one script share.
type world struct {
	agents       map[string]*agent
	repos        map[string]*gittest.Repo
	unprivileged bool
	commits      int
}

type worldKey struct{}

func worldOf(ts *testscript.TestScript) *world { return ts.Value(worldKey{}).(*world) }

// agent is a kitops in the background.
type agent struct {
	cmd  *exec.Cmd
	log  string
	done chan struct{} // closed when it has ended
}

// usage ends a script that calls a command with too few arguments, or negates it.
func usage(ts *testscript.TestScript, neg bool, args []string, least int) {
	if neg || len(args) < least {
		ts.Fatalf("wrong usage, see TestScript")
	}
}

// scriptCommand is a program in the script's directory and environment.
func scriptCommand(ts *testscript.TestScript, args []string) *exec.Cmd {
	// testscript has no other way to the whole environment of a script.
	list := filepath.Join(ts.Getenv("WORK"), ".env")
	ts.Check(ts.Exec("sh", "-c", `exec env -0 > "$0"`, list))
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = strings.Split(strings.TrimSuffix(ts.ReadFile(list), "\x00"), "\x00")
	cmd.Dir = ts.MkAbs(".")
	if worldOf(ts).unprivileged && os.Geteuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	return cmd
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 2)
	cmd := scriptCommand(ts, args[1:])
	cmd.Stdout, cmd.Stderr = ts.Stdout(), ts.Stderr()
	err := cmd.Run()
	if cmd.ProcessState == nil {
		ts.Check(err)
	}
	if code := strconv.Itoa(cmd.ProcessState.ExitCode()); code != args[0] {
		ts.Fatalf("%s: want exit code %s", cmd.ProcessState, args[0])
	}
}

func start(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 1)
	cmd := scriptCommand(ts, append([]string{"kitops"}, args[1:]...))
	a := &agent{cmd: cmd, log: ts.MkAbs(args[0] + ".log"), done: make(chan struct{})}
	log, err := os.OpenFile(a.log, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o666)
	ts.Check(err)
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	ts.Check(cmd.Start())
	worldOf(ts).agents[args[0]] = a
	go func() {
		_ = cmd.Wait() // ends looks at the state
		close(a.done)
	}()
	ts.Defer(func() {
		eventually(func() bool { // SIGKILL would leave its actions to us
			_ = cmd.Process.Signal(syscall.SIGTERM)
			select {
			case <-a.done:
				return true
			default:
				return false
			}
		})
	})
}

func agentNamed(ts *testscript.TestScript, name string) *agent {
	a := worldOf(ts).agents[name]
	if a == nil {
		ts.Fatalf("no agent %s was started", name)
	}
	return a
}

func sendSignal(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 2)
	sig := map[string]syscall.Signal{
		"TERM": syscall.SIGTERM, "INT": syscall.SIGINT, "HUP": syscall.SIGHUP, "KILL": syscall.SIGKILL, "USR1": syscall.SIGUSR1,
	}[args[1]]
	ts.Check(agentNamed(ts, args[0]).cmd.Process.Signal(sig))
}

func ends(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 2)
	a := agentNamed(ts, args[0])
	select {
	case <-a.done:
	case <-time.After(patience):
		ts.Fatalf("%s does not end:\n%s", args[0], ts.ReadFile(a.log))
	}
	if code := strconv.Itoa(a.cmd.ProcessState.ExitCode()); code != args[1] {
		ts.Fatalf("%s: %s, want exit code %s:\n%s", args[0], a.cmd.ProcessState, args[1], ts.ReadFile(a.log))
	}
}

// unprivileged also gives the script's directory to nobody, but not what is in it.
func unprivileged(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 0)
	worldOf(ts).unprivileged = true
	if os.Geteuid() == 0 {
		for _, name := range []string{"WORK", "TMPDIR"} {
			ts.Check(os.Chown(ts.Getenv(name), nobody, nobody))
		}
	}
}

func await(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 2)
	want := 1
	if len(args) > 2 {
		var err error
		want, err = strconv.Atoi(args[2])
		ts.Check(err)
	}
	pattern, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	path := ts.MkAbs(args[0])
	var content []byte
	ok := eventually(func() bool {
		content, _ = os.ReadFile(path) // it need not be there yet
		return len(pattern.FindAll(content, -1)) >= want
	})
	if !ok {
		ts.Fatalf("%s never has %d of %s:\n%s", args[0], want, args[1], content)
	}
}

// served awaits a message of the debug level: the agent must have been started with it.
func served(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 1)
	a := agentNamed(ts, args[0])
	what := "msg=polled "
	if len(args) > 1 {
		what += "task=" + args[1] + " "
	}
	looks := func() int { return strings.Count(ts.ReadFile(a.log), what) }
	before := looks()
	// One look may have begun before now, what the next finds is run before the third.
	if !eventually(func() bool { return looks() > before+2 }) {
		ts.Fatalf("%s looks no more:\n%s", args[0], ts.ReadFile(a.log))
	}
}

// cleared waits until a directory is empty: removal has the lowest priority.
func cleared(ts *testscript.TestScript, neg bool, args []string) {
	usage(ts, neg, args, 1)
	left := func() []os.DirEntry {
		entries, err := os.ReadDir(ts.MkAbs(args[0]))
		ts.Check(err)
		return entries
	}
	if !eventually(func() bool { return len(left()) == 0 }) {
		ts.Fatalf("%s still has %v", args[0], left())
	}
}

func alive(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 1 {
		ts.Fatalf("usage: [!] alive FILE")
	}
	pids := strings.Fields(ts.ReadFile(args[0]))
	if len(pids) == 0 {
		ts.Fatalf("%s has no process ids", args[0])
	}
	for _, pid := range pids {
		id, err := strconv.Atoi(pid)
		ts.Check(err)
		if !eventually(func() bool { return lives(id) != neg }) {
			ts.Fatalf("process %d: alive is %v", id, !neg == lives(id))
		}
	}
}

// lives tells whether there is a process that is no zombie.
func lives(pid int) bool {
	out, err := exec.Command("ps", "-o", "stat=", "-p", strconv.Itoa(pid)).Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		return false
	}
	return err == nil && !strings.HasPrefix(strings.TrimSpace(string(out)), "Z")
}

// eventually waits for what nobody announces; false means it never came.
func eventually(ok func() bool) bool {
	for deadline := time.Now().Add(patience); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			return false
		}
	}
	return true
}
