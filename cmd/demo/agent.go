package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"syscall"
	"time"
)

// agent is a running kitops and what it says.
type agent struct {
	cmd    *exec.Cmd
	cancel context.CancelFunc
	lines  chan line // closed when kitops says no more
	said   []line    // and not awaited yet
	last   string    // what it said last, for when it dies
}

// line is one of kitops' log. What an action prints comes as a line with its
// text for a message.
type line struct {
	Time                                               time.Time
	Msg, Task, SHA, Run, Action, Outcome, Took, Reason string
	Attempt                                            int
}

// printed tells whether the line is what an action wrote.
func (l line) printed() bool { return l.Action != "" && l.SHA == "" }

// start runs kitops in dir until stop is called or ctx is done.
func start(ctx context.Context, binary, dir string, args ...string) (*agent, error) {
	ctx, cancel := context.WithCancel(ctx)
	a := &agent{cancel: cancel, lines: make(chan line)}
	a.cmd = exec.CommandContext(ctx, binary, args...)
	a.cmd.Dir = dir
	a.cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "KITOPS_") })
	a.cmd.Cancel = func() error { return a.cmd.Process.Signal(syscall.SIGTERM) }
	a.cmd.WaitDelay = 20 * time.Second
	stderr, err := a.cmd.StderrPipe()
	if err == nil {
		err = a.cmd.Start()
	}
	if err != nil {
		cancel()
		return nil, err
	}
	go func() {
		defer close(a.lines)
		for text := bufio.NewScanner(stderr); text.Scan(); {
			var l line
			if json.Unmarshal(text.Bytes(), &l) != nil {
				l = line{Msg: text.Text()} // said before there is a log
			}
			a.lines <- l
		}
	}()
	return a, nil
}

// await returns the first line that matches. What else was said stays for a
// later await, since tasks speak in no order.
func (a *agent) await(ctx context.Context, what string, matches func(line) bool) (line, error) {
	const patience = 20 * time.Second
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		if i := slices.IndexFunc(a.said, matches); i >= 0 {
			found := a.said[i]
			a.said = slices.Delete(a.said, i, i+1)
			return found, nil
		}
		select {
		case l, ok := <-a.lines:
			if !ok {
				return line{}, fmt.Errorf("expected %s, but kitops ended; it said last: %s", what, a.last)
			}
			a.said, a.last = append(a.said, l), l.Msg
		case <-late.C:
			return line{}, fmt.Errorf("expected %s within %s; kitops said last: %s", what, patience, a.last)
		case <-ctx.Done():
			return line{}, ctx.Err()
		}
	}
}

// stop ends kitops by SIGTERM and returns its exit code. It may be called twice.
func (a *agent) stop() int {
	a.cancel()
	for range a.lines { // until it is gone
	}
	_ = a.cmd.Wait() // tells of the context's end; what counts is the code
	return a.cmd.ProcessState.ExitCode()
}
