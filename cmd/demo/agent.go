package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/creack/pty"
)

// colours are what a line of kitops' log has of them, and of the line that it erased before.
var colours = regexp.MustCompile("^.*\r\x1b\\[K|\x1b\\[[0-9;?]*[mlh]")

// agent is a running kitops and what it says, which is shown as it says it.
type agent struct {
	cmd    *exec.Cmd
	cancel context.CancelFunc
	screen screen
	lines  chan string // closed when kitops says no more
	said   []string    // without colours and time, and not awaited yet
	last   string      // what it said last, for when it dies
}

// start runs kitops in dir until stop is called or ctx is done. Where the
// screen has colours kitops is given a terminal, too.
func start(ctx context.Context, s screen, binary, dir string, args ...string) (*agent, error) {
	ctx, cancel := context.WithCancel(ctx)
	a := &agent{cancel: cancel, screen: s, lines: make(chan string)}
	a.cmd = exec.CommandContext(ctx, binary, append(args, "--log-format", "console")...)
	a.cmd.Dir = dir
	a.cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "KITOPS_") })
	a.cmd.Cancel = func() error { return a.cmd.Process.Signal(syscall.SIGTERM) }
	a.cmd.WaitDelay = 20 * time.Second
	log, err := a.run()
	if err != nil {
		cancel()
		return nil, err
	}
	go func() {
		defer close(a.lines)
		defer func() { _ = log.Close() }()
		for text := bufio.NewScanner(log); text.Scan(); {
			a.lines <- text.Text()
		}
	}()
	return a, nil
}

// run starts kitops and returns where its log comes from.
func (a *agent) run() (io.ReadCloser, error) {
	if a.screen.colour {
		if reader, terminal, err := pty.Open(); err == nil { // not on Windows
			defer func() { _ = terminal.Close() }()
			a.cmd.Stderr = terminal
			// Names are not to be shortened: the story looks for them.
			if err := pty.Setsize(terminal, &pty.Winsize{Rows: 24, Cols: 120}); err != nil {
				return nil, err
			}
			return reader, a.cmd.Start()
		}
	}
	log, err := a.cmd.StderrPipe()
	if err != nil {
		return nil, err
	}
	return log, a.cmd.Start()
}

// await returns when kitops has said a line that begins with a text. What else
// was said stays for a later await, since tasks speak in no order.
func (a *agent) await(ctx context.Context, begins string) error {
	const patience = 20 * time.Second
	late := time.NewTimer(patience)
	defer late.Stop()
	for {
		if i := slices.IndexFunc(a.said, func(line string) bool { return strings.HasPrefix(line, begins) }); i >= 0 {
			a.said = slices.Delete(a.said, i, i+1)
			return nil
		}
		select {
		case line, ok := <-a.lines:
			if !ok {
				return fmt.Errorf("expected kitops to say %q, but it ended; it said last: %s", begins, a.last)
			}
			a.show(line)
		case <-late.C:
			return fmt.Errorf("expected kitops to say %q within %s; it said last: %s", begins, patience, a.last)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// show prints a line as kitops wrote it.
func (a *agent) show(line string) {
	fmt.Fprintln(a.screen.out, line)
	a.last = colours.ReplaceAllString(line, "")
	if _, text, ok := strings.Cut(a.last, " "); ok {
		a.said = append(a.said, text)
	}
}

// stop ends kitops by SIGTERM and returns its exit code. It may be called twice.
func (a *agent) stop() int {
	a.cancel()
	for line := range a.lines { // until it is gone
		a.show(line)
	}
	_ = a.cmd.Wait() // tells of the context's end; what counts is the code
	return a.cmd.ProcessState.ExitCode()
}
