package actions_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/bittrance/kitops/actions"
)

// TestAnOrphanThatEndsIsReapedWithoutLookingAround counts reads: whoever looks
// through /proc for each orphan needs one for each process of the host.
func TestAnOrphanThatEndsIsReapedWithoutLookingAround(t *testing.T) {
	t.Parallel()
	for range 30 { // bystanders
		cmd := exec.Command("sleep", "1000")
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		})
	}
	if out, err := helper("reapcost").CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// helpReapCost is an agent whose one action leaves few orphans, and whose other leaves many.
func helpReapCost() error {
	// Not by Isolate, after which a user may not read how much the process has read.
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return err
	}
	var all actions.Processes
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	go func() {
		for range ended {
			all.Reap()
		}
	}()
	const few, many, most = 100, 500, 0.5
	var spent [2]int
	for i, orphans := range []int{few, many} {
		before, err := reads()
		if err != nil {
			return err
		}
		o := actions.Options{Dir: "/", Environ: []string{path}, Vars: []string{fmt.Sprintf("KITOPS_RUN_ID=reapcost-%d", os.Getpid())}, Processes: &all, Out: os.Stdout}
		if err := sh(fmt.Sprintf("i=0; while test $i -lt %d; do (true &); i=$((i+1)); done", orphans)).Run(context.Background(), o); err != nil {
			return err
		}
		for deadline := time.Now().Add(patience); !childless(); time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				return fmt.Errorf("%d orphans are not all reaped", orphans)
			}
		}
		after, err := reads()
		if err != nil {
			return err
		}
		spent[i] = after - before
	}
	if each := float64(spent[1]-spent[0]) / (many - few); each > most {
		return fmt.Errorf("%.1f reads for each orphan: %d for %d, %d for %d", each, spent[0], few, spent[1], many)
	}
	return nil
}

// childless tells whether every child was waited for.
func childless() bool {
	return unix.Waitid(unix.P_ALL, 0, nil, unix.WEXITED|unix.WNOHANG|unix.WNOWAIT, nil) == unix.ECHILD
}

// reads is how often this process has read anything, see proc_pid_io(5).
func reads() (int, error) {
	text, err := os.ReadFile("/proc/self/io")
	if err != nil {
		return 0, err
	}
	_, rest, _ := strings.Cut(string(text), "syscr: ")
	line, _, _ := strings.Cut(rest, "\n")
	return strconv.Atoi(line)
}
