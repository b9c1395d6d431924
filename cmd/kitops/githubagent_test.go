//go:build unix

package main

import (
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"syscall"
)

// watcher is a kitops in the background.
type watcher struct {
	s    *scene
	cmd  *exec.Cmd
	done chan struct{} // closed when it has ended
}

// start runs kitops in the background, its log goes to agent.log.
func (s *scene) start(args ...string) *watcher {
	s.t.Helper()
	return s.startWith(args, s.memory()...)
}

// startWith is start of a kitops that keeps things elsewhere.
func (s *scene) startWith(args []string, memory ...string) *watcher {
	s.t.Helper()
	log, err := os.OpenFile(s.path("agent.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		s.t.Fatal(err)
	}
	defer log.Close()
	w := &watcher{s: s, cmd: s.command(slices.Concat(args, memory)...), done: make(chan struct{})}
	w.cmd.Stdout, w.cmd.Stderr = log, log
	if err := w.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() {
		_ = w.cmd.Wait() // stop looks at the state
		close(w.done)
	}()
	s.t.Cleanup(func() { _ = w.cmd.Process.Signal(syscall.SIGTERM); <-w.done })
	return w
}

// says waits until the log has so many lines that match.
func (w *watcher) says(pattern string, times int) {
	w.s.t.Helper()
	expression := regexp.MustCompile("(?m)" + pattern)
	count := func() int { return len(expression.FindAllString(w.s.read("agent.log"), -1)) }
	if !eventually(func() bool { return count() >= times }) {
		w.s.t.Fatalf("never %d times %s:\n%s", times, pattern, w.s.story())
	}
}

// stop ends it by SIGTERM.
func (w *watcher) stop() {
	w.s.t.Helper()
	_ = w.cmd.Process.Signal(syscall.SIGTERM)
	<-w.done
	if !w.cmd.ProcessState.Success() {
		w.s.t.Errorf("kitops: %s\n%s", w.cmd.ProcessState, w.s.story())
	}
}

func (w *watcher) kill() {
	w.s.t.Helper()
	_ = w.cmd.Process.Kill()
	<-w.done
}

// story is what the agent said, but of its looks.
func (s *scene) story() string {
	var story strings.Builder
	for line := range strings.Lines(s.read("agent.log")) {
		if !strings.Contains(line, "msg=polled") {
			story.WriteString(line)
		}
	}
	return story.String()
}

// count is how often something stands in the agent's log.
func (s *scene) count(words string) int { return strings.Count(s.read("agent.log"), words) }

func (s *scene) exists(name string) bool {
	_, err := os.Lstat(s.path(name))
	return err == nil
}
