package actions_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/bittrance/kitops/actions"
)

// bare leaves a process without any mark of its run: a daemon with a session,
// a parent and an environment of its own. It writes its process id to a file.
const bare = `(env -i PATH="$PATH" setsid sh -c 'echo $$ > "$0.new"; mv "$0.new" "$0"; exec sleep 1000' %s >/dev/null 2>&1 </dev/null &)
while ! test -e %[1]s || test $(cat /proc/$(cat %[1]s)/comm) != sleep; do sleep 0.01; done
`

// host is an agent as a process of its own.
type host struct {
	dir string
	all *actions.Processes

	mu     sync.Mutex
	latest actions.Group // of the action that started last
}

// newHost makes this process an agent. It ends what its actions have left.
func newHost(dir string) (h *host, end func(), err error) {
	if err := actions.Isolate(); err != nil {
		return nil, nil, err
	}
	h = &host{dir: dir, all: &actions.Processes{}}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGCHLD)
	go func() {
		for range ended {
			h.all.Reap()
		}
	}()
	return h, func() {
		for _, name := range []string{"service", "first", "second", "escaped"} {
			if pid, err := h.pid(name); err == nil && alive(pid) {
				syscall.Kill(pid, syscall.SIGKILL) //nolint:errcheck // gone is fine
			}
		}
	}, nil
}

func (h *host) pid(name string) (int, error) {
	text, err := os.ReadFile(h.dir + "/" + name)
	if err != nil {
		return 0, err
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}

// lives tells whether a process that wrote its id to a file is there; not
// before it has become what it is to be.
func (h *host) lives(name string) bool {
	pid, err := h.pid(name)
	return err == nil && alive(pid)
}

// last is the group of the action that was told of as started last.
func (h *host) last() actions.Group {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.latest
}

// act runs a script to its end, or until a file is there and stop.
func (h *host) act(id, script, until string) error {
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)
	o := actions.Options{Dir: h.dir, Environ: []string{path}, Vars: []string{fmt.Sprintf("KITOPS_RUN_ID=%s-%d", id, os.Getpid())}, Processes: h.all, Grace: 200 * time.Millisecond, Out: os.Stdout}
	o.Started = func(g actions.Group) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.latest = g
	}
	ended := make(chan error, 1)
	go func() { ended <- sh(script).Run(ctx, o) }()
	for until != "" {
		select {
		case err := <-ended:
			return fmt.Errorf("ended before there was %s: %w", until, err)
		case <-time.After(time.Millisecond):
		}
		if _, err := os.Stat(h.dir + "/" + until); err == nil {
			cancel(errTimeout)
			break
		}
	}
	return <-ended
}

// helpHost runs actions that leave processes which show no mark of theirs.
func helpHost(dir string) error {
	h, end, err := newHost(dir)
	if err != nil {
		return err
	}
	defer end()
	// Alone, an orphan can only be the action's.
	err = h.act("alone", fmt.Sprintf(bare, "escaped")+"touch alone; sleep 1000", "alone")
	if !errors.Is(err, errTimeout) || h.lives("escaped") {
		return fmt.Errorf("alone: %w, the orphan lives: %t", err, h.lives("escaped"))
	}
	// A service that an earlier run left is nobody's business, and what comes
	// after it may be its own.
	if err := h.act("a", fmt.Sprintf(bare, "service"), ""); err != nil || !h.lives("service") {
		return fmt.Errorf("service: %w, it lives: %t", err, h.lives("service"))
	}
	err = h.act("b", fmt.Sprintf(bare, "first")+"touch beside; sleep 1000", "beside")
	var left *actions.LeftError
	if !errors.Is(err, errTimeout) || !errors.As(err, &left) || !h.lives("service") || !h.lives("first") {
		return fmt.Errorf("beside a service: %w, it lives: %t", err, h.lives("service"))
	}
	first, err := h.pid("first")
	if err != nil || len(left.Processes) != 1 || left.Processes[0] != fmt.Sprintf("%d (sleep)", first) {
		return fmt.Errorf("left alone are %v, want %d, %w", left.Processes, first, err)
	}
	// Of two at the same time nobody knows whose an orphan is.
	end()
	other := make(chan error, 1)
	go func() { other <- h.act("c", fmt.Sprintf(bare, "second")+"while ! test -e go; do sleep 0.01; done", "") }()
	err = h.act("d", "while ! test -e second; do sleep 0.01; done; touch both; sleep 1000", "both")
	if !errors.Is(err, errTimeout) || !h.lives("second") {
		return fmt.Errorf("two: %w, the other's lives: %t", err, h.lives("second"))
	}
	if err := os.WriteFile(dir+"/go", nil, 0o600); err != nil {
		return err
	}
	return <-other
}

func TestOrphansWithoutMark(t *testing.T) {
	t.Parallel()
	if out, err := helper("host", t.TempDir()).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
