package actions_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/bittrance/kitops/actions"
)

var errTimeout = errors.New("out of time")

// running is an action that the test stops.
type running struct {
	lines <-chan string
	stop  func()
	ended chan error
}

func run(t *testing.T, script string, o actions.Options) running {
	t.Helper()
	ctx, cancel := context.WithCancelCause(t.Context())
	r := running{stop: func() { cancel(errTimeout) }, ended: make(chan error, 1)}
	o.Out, r.lines = lineChannel()
	done := make(chan struct{})
	t.Cleanup(func() { cancel(nil); <-done })
	go func() {
		defer close(done)
		r.ended <- sh(script).Run(ctx, o)
	}()
	return r
}

// pid reads the process id that the script prints.
func (r running) pid(t *testing.T) int {
	t.Helper()
	pid, err := strconv.Atoi(receive(t, "process id", r.lines))
	if err != nil || pid <= 1 {
		t.Fatal(pid, err)
	}
	t.Cleanup(func() {
		if alive(pid) {
			syscall.Kill(pid, syscall.SIGKILL) //nolint:errcheck // gone is fine
			eventually(t, "it is gone, and what it held open", func() bool { return !alive(pid) })
		}
	})
	return pid
}

// stopped stops the action and waits for it to end as a stopped one does.
func (r running) stopped(t *testing.T) {
	t.Helper()
	r.stop()
	err := receive(t, "end", r.ended)
	var failed *exec.ExitError
	if !errors.Is(err, errTimeout) || errors.As(err, &failed) || strings.Contains(err.Error(), "do not end") {
		t.Errorf("ended with %v", err)
	}
}

// state is the letter that proc_pid_stat(5) has for a process; X if there is none.
func state(pid int) byte {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 'X'
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	return rest[0]
}

// alive tells whether a process lives; a zombie does not.
func alive(pid int) bool { return state(pid) != 'Z' && state(pid) != 'X' }

func TestStopEndsAll(t *testing.T) {
	t.Parallel()
	for name, script := range map[string]string{
		"command":                    "echo $$; exec sleep 1000",
		"grandchild with the pipe":   "sleep 1000 & echo $!; sleep 1000",
		"orphan with the pipe":       "(sleep 1000 & echo $!); sleep 1000",
		"grandchild, bare":           "env -i sleep 1000 & echo $!; sleep 1000",
		"escaped by setsid":          "setsid sh -c 'echo $$; exec sleep 1000' & sleep 1000",
		"escaped, leader gone first": "setsid sh -c 'echo $$; exec sleep 1000' & trap 'exit 0' TERM; while :; do sleep 0.01; done",
		"deaf":                       "trap '' TERM; echo $$; while :; do sleep 1000; done",
		"deaf and escaped":           "setsid sh -c 'trap \"\" TERM; echo $$; while :; do sleep 1000; done' & sleep 1000",
		"hopping":                    "setsid sh -c 'trap \"\" TERM; echo $$; hop() { { sleep 0.002; hop; } & exit; }; hop' & sleep 1000",
		"own job control":            "exec 2>/dev/null; exec bash -mc 'env -i sleep 1000 & echo $!; sleep 1000'",
		"breeding":                   "trap 'setsid sleep 1000 &' TERM; echo $$; while :; do sleep 1000; done",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(t)
			o.Grace = 200 * time.Millisecond
			r := run(t, script, o)
			pid := r.pid(t)
			r.stopped(t)
			if alive(pid) {
				t.Error("it lives on")
			}
			if left := carriers(t, o.Vars[0]); len(left) > 0 {
				t.Errorf("%v carry the run's id", left)
			}
		})
	}
}

// carriers lists the living processes with an entry in their environment.
func carriers(t *testing.T, entry string) (pids []int) {
	t.Helper()
	names, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		pid, err := strconv.Atoi(name.Name())
		if err != nil {
			continue
		}
		env, _ := os.ReadFile("/proc/" + name.Name() + "/environ")
		if strings.Contains("\x00"+string(env), "\x00"+entry+"\x00") && alive(pid) {
			pids = append(pids, pid)
		}
	}
	return pids
}

// All that a script starts after SIGTERM is not asked again, so these start
// nothing that would use up the hour.
func TestTermGetsItsChance(t *testing.T) {
	t.Parallel()
	const polite = "trap 'echo bye; exit 0' TERM; echo ready; while :; do sleep 0.01; done"
	for name, script := range map[string]string{
		"leader":  polite,
		"escaped": `setsid sh -c "` + polite + `" >&2 & wait`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := options(t)
			o.Grace = time.Hour
			r := run(t, script, o)
			receive(t, "first line", r.lines)
			r.stopped(t)
			for receive(t, "last line", r.lines) != "bye" {
				continue // what the shell says of its child
			}
		})
	}
}

func TestSuspendedGetsTerm(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.Grace = time.Hour
	r := run(t, "echo $$; kill -STOP $$", o)
	pid := r.pid(t)
	eventually(t, "it is suspended", func() bool { return state(pid) == 'T' })
	r.stopped(t)
}

func TestKillEndsGrace(t *testing.T) {
	t.Parallel()
	kill := make(chan struct{})
	o := options(t)
	o.Grace, o.Kill = time.Hour, kill
	r := run(t, "trap 'echo deaf' TERM; echo $$; while :; do sleep 0.01; done", o)
	pid := r.pid(t)
	r.stop()
	for receive(t, "answer to SIGTERM", r.lines) != "deaf" {
		continue // what the shell says of its child
	}
	if !alive(pid) {
		t.Error("no grace")
	}
	close(kill)
	r.stopped(t)
	if alive(pid) {
		t.Error("it lives on")
	}
}

func TestBackgroundLivesOn(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		script string
		code   int
	}{
		"success": {"sleep 1000 & echo $!", 0},
		"failure": {"setsid sleep 1000 & echo $!; exit 3", 3},
		"quiet":   {"sleep 1000 >/dev/null 2>&1 & echo $!", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := run(t, tt.script, options(t))
			pid := r.pid(t)
			err := receive(t, "end", r.ended)
			var failed *exec.ExitError
			if tt.code == 0 && err != nil || tt.code != 0 && (!errors.As(err, &failed) || failed.ExitCode() != tt.code) {
				t.Errorf("ended with %v", err)
			}
			if !alive(pid) {
				t.Error("the background process was ended")
			}
		})
	}
}

// stuckWriter takes nothing until it is let go.
type stuckWriter struct{ entered, free chan struct{} }

func (w stuckWriter) Write(p []byte) (int, error) {
	close(w.entered)
	<-w.free
	return 0, errors.New("gone")
}

func TestStuckOut(t *testing.T) {
	t.Parallel()
	w := stuckWriter{make(chan struct{}), make(chan struct{})}
	defer close(w.free)
	o := options(t)
	o.Out = w
	ctx, cancel := context.WithCancelCause(t.Context())
	defer cancel(nil)
	ended := make(chan error, 1)
	go func() { ended <- sh("cat /dev/zero").Run(ctx, o) }()
	<-w.entered
	cancel(errTimeout)
	if err := receive(t, "end", ended); !errors.Is(err, errTimeout) {
		t.Errorf("ended with %v", err)
	}
}
