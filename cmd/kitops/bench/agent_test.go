//go:build unix

package bench_test

import (
	"bufio"
	"encoding/json"
	"os/exec"
	"syscall"
	"testing"
	"time"
)

// benchAgent is a running kitops and its log.
type benchAgent struct {
	cmd   *exec.Cmd
	lines chan said
}

// said is a line of the log.
type said struct {
	Time                  time.Time
	Msg, SHA, Run, Action string
	Address               string
}

func startAgent(b *testing.B, cmd *exec.Cmd) *benchAgent {
	b.Helper()
	a := &benchAgent{cmd: cmd, lines: make(chan said, 64)}
	stderr, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		b.Fatal(err)
	}
	go func() {
		defer close(a.lines)
		for text := bufio.NewScanner(stderr); text.Scan(); {
			var l said
			_ = json.Unmarshal(text.Bytes(), &l) // what is no log line matches nothing
			a.lines <- l
		}
	}()
	b.Cleanup(func() {
		if cmd.ProcessState == nil { // the benchmark failed
			_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
			_ = cmd.Wait()
		}
	})
	return a
}

// await returns the next line with this message, if one is given, that matches.
func (a *benchAgent) await(b *testing.B, msg string, matches func(said) bool) said {
	b.Helper()
	late := time.After(time.Minute)
	for {
		select {
		case l, ok := <-a.lines:
			if !ok {
				b.Fatalf("kitops ended before %q", msg)
			}
			if (msg == "" || l.Msg == msg) && (matches == nil || matches(l)) {
				return l
			}
		case <-late:
			b.Fatalf("no %q", msg)
		}
	}
}

// stop ends the agent and what measures it.
func (a *benchAgent) stop(b *testing.B) {
	b.Helper()
	if err := syscall.Kill(-a.cmd.Process.Pid, syscall.SIGTERM); err != nil {
		b.Fatal(err)
	}
	for range a.lines { // until it is gone
	}
	if err := a.cmd.Wait(); err != nil {
		b.Fatal(err)
	}
}
