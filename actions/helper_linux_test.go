package actions_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/bittrance/kitops/actions"
)

// helper is a command that does one of the things below in a process of its own.
func helper(name string, args ...string) *exec.Cmd {
	// Not by its path: a user that the tests become may not enter the directory.
	cmd := exec.Command("/proc/self/exe", args...)
	cmd.Env = append(os.Environ(), helperKey+"="+name)
	return cmd
}

func help(name string) int {
	err := errors.New("no such helper")
	switch name {
	case "agent":
		err = helpAgent(os.Args[1], os.Args[2], os.Args[3])
	case "spare":
		err = helpSpare()
	case "isolate":
		err = helpIsolate()
	case "reap":
		err = helpReap()
	case "reapcost":
		err = helpReapCost()
	case "host":
		err = helpHost(os.Args[1])
	case "cgroup":
		err = helpCgroup(os.Args[1])
	case "limits":
		err = helpLimits(os.Args[1])
	case "pipes":
		err = helpPipes(os.Args[1])
	case "stopped":
		err = helpStopped(os.Args[1])
	case "unseen":
		err = helpUnseen()
	case "noclone3":
		err = helpNoClone3()
	case "inherit":
		err = helpInherit()
	case "shut":
		err = helpShut()
	case "hop":
		err = helpHop(os.Args[1])
	case "guarded":
		err = helpGuarded(os.Args[1], os.Args[2])
	case "drop":
		err = helpDrop()
	}
	if err != nil {
		fmt.Println(err)
		return 1
	}
	return 0
}

// helpAgent runs a script and prints its group; then it waits to be killed.
func helpAgent(script, runID, dir string) error {
	started := func(g actions.Group) { json.NewEncoder(os.Stdout).Encode(g) } //nolint:errcheck // the test sees
	// Not before the group is printed: its lines must come after.
	script = "while ! test -e go; do sleep 0.01; done; " + script
	o := actions.Options{Dir: dir, Environ: []string{path}, Vars: []string{"KITOPS_RUN_ID=" + runID}, Out: os.Stdout}
	o.Started = func(g actions.Group) {
		started(g)
		os.WriteFile(dir+"/go", nil, 0o600) //nolint:errcheck // the test sees
	}
	if err := sh(script).Run(context.Background(), o); err != nil {
		return err
	}
	_, err := io.Copy(io.Discard, os.Stdin)
	return err
}

// helpSpare stops the run that it carries the id of, with a child that carries
// it as well in a group of its own.
func helpSpare() error {
	child := exec.Command("sleep", "1000")
	child.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	sibling := exec.Command("sleep", "1000") // in our own group
	if err := errors.Join(child.Start(), sibling.Start()); err != nil {
		return err
	}
	g := actions.Group{ID: unix.Getpgrp(), Started: start(unix.Getpgrp())}
	if err := g.Stop(context.Background(), os.Getenv("KITOPS_RUN_ID"), nil); err != nil {
		return err
	}
	if err := child.Wait(); err == nil {
		return errors.New("the child was not ended")
	}
	if !alive(sibling.Process.Pid) {
		return errors.New("the sibling was ended")
	}
	sibling.Process.Kill() //nolint:errcheck // Wait tells
	sibling.Wait()         //nolint:errcheck // killed
	fmt.Println("alive")
	return nil
}

// start is what Group.Started holds on Linux.
func start(pid int) string {
	boot, _ := os.ReadFile("/proc/sys/kernel/random/boot_id")
	stat, _ := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	_, rest, _ := strings.Cut(string(stat), ") ")
	return strings.TrimSpace(string(boot)) + "/" + strings.Fields(rest)[19]
}

// helpIsolate is an agent whose action tries to read its secrets.
func helpIsolate() error {
	if err := actions.Isolate(); err != nil {
		return err
	}
	if dumpable, err := unix.PrctlRetInt(unix.PR_GET_DUMPABLE, 0, 0, 0, 0); err != nil || dumpable != 0 {
		return fmt.Errorf("dumpable %d, %w", dumpable, err)
	}
	o := actions.Options{Dir: "/", Environ: []string{path}, Vars: []string{"KITOPS_RUN_ID=isolate"}, Out: os.Stdout}
	// Its own environment is readable, so it is itself as dumpable as any.
	script := "grep -qz KITOPS_RUN_ID=isolate /proc/$$/environ || exit 4; "
	if os.Geteuid() != 0 { // nothing is hidden from root
		script += "for f in environ mem maps; do cat /proc/$PPID/$f >/dev/null 2>&1 && exit 5; done; "
	}
	if err := sh(script+"exit 0").Run(context.Background(), o); err != nil {
		return err
	}
	// And it can still be found and stopped.
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	var lines <-chan string
	o.Out, lines = lineChannel()
	ended := make(chan error, 1)
	go func() { ended <- sh("setsid sh -c 'echo $$; exec sleep 1000' & sleep 1000").Run(ctx, o) }()
	pid, err := strconv.Atoi(<-lines)
	if err != nil {
		return err
	}
	cancel(errTimeout)
	if err := <-ended; !errors.Is(err, errTimeout) || alive(pid) {
		return fmt.Errorf("%w, alive %t", err, alive(pid))
	}
	return nil
}

// helpReap runs many commands that each leave an orphan, while it reaps all the time.
func helpReap() error {
	if err := actions.Isolate(); err != nil {
		return err
	}
	var reaper actions.Processes
	done := make(chan struct{})
	var reaping, runs sync.WaitGroup
	reaping.Go(func() {
		for {
			select {
			case <-done:
				return
			default:
				reaper.Reap()
			}
		}
	})
	wrong := make(chan error, 400)
	for range 4 {
		runs.Go(func() {
			for range 50 {
				code := rand.IntN(100)
				o := actions.Options{Dir: "/", Environ: []string{path}, Processes: &reaper}
				err := sh(fmt.Sprintf("(true & true &); exit %d", code)).Run(context.Background(), o)
				var failed *exec.ExitError
				if code == 0 && err != nil || code != 0 && (!errors.As(err, &failed) || failed.ExitCode() != code) {
					wrong <- fmt.Errorf("exit %d: %w", code, err)
				}
			}
		})
	}
	runs.Wait()
	close(done)
	reaping.Wait()
	close(wrong)
	for err := range wrong {
		return err
	}
	return reapLast(&reaper)
}

// reapLast waits until no child is left, as the agent does: by SIGCHLD.
func reapLast(reaper *actions.Processes) error {
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	o := actions.Options{Dir: "/", Environ: []string{path}, Processes: reaper}
	if err := sh("(sleep 0.1 >/dev/null 2>&1 &)").Run(context.Background(), o); err != nil {
		return err
	}
	for {
		reaper.Reap()
		if err := unix.Waitid(unix.P_ALL, 0, nil, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil); errors.Is(err, unix.ECHILD) {
			return nil
		}
		<-ended
	}
}
