package actions

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// BootClock returns a clock that counts on while the machine sleeps, and that nobody sets.
func BootClock() (now func() time.Duration) { return bootTime }

func bootTime() time.Duration {
	var now unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_BOOTTIME, &now); err != nil {
		panic(fmt.Sprintf("CLOCK_BOOTTIME: %v", err)) // every Linux since 2.6.39 has it
	}
	return time.Duration(now.Nano())
}

// StartGuard starts the guard of a run, before its first action. From until on, a
// time of BootClock, it ends what carries the run's id, with a grace as the agent does.
func (p *Processes) StartGuard(runID string, until, grace time.Duration) (*Guard, error) {
	read, write, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("start the guard of the run: %w", err)
	}
	defer read.Close()
	g := &Guard{ended: make(chan struct{}), pipe: write}
	g.cmd = &exec.Cmd{
		Path: "/proc/self/exe", Args: []string{GuardName}, Env: []string{}, Dir: "/", Stdin: read,
		SysProcAttr: &syscall.SysProcAttr{Setsid: true},
	}
	if err := p.startOwn(g.cmd); err != nil {
		_ = write.Close()
		return nil, fmt.Errorf("start the guard of the run: %w", err)
	}
	go func() {
		defer close(g.ended)
		_ = g.cmd.Wait() // whatever it did, it has ended
		p.forget(g.cmd.Process.Pid)
	}()
	g.say(word{Run: runID, Grace: grace, Until: until})
	return g, nil
}

// startOwn starts a command of the agent's own, which is no action.
func (p *Processes) startOwn(cmd *exec.Cmd) error {
	if p == nil {
		_, err := startClean(cmd)
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, err := startClean(cmd); err != nil {
		return err
	}
	if p.own == nil {
		p.own, p.running = map[int]struct{}{}, map[*tree]struct{}{}
	}
	p.own[cmd.Process.Pid] = struct{}{}
	return nil
}

// RunGuard is the whole life of a guard. It reads what it is told from its
// standard input, and outlives the agent as long as the run does.
func RunGuard() error {
	if err := unix.Prctl(unix.PR_SET_DUMPABLE, 0, 0, 0, 0); err != nil {
		return fmt.Errorf("guard: %w", err)
	}
	timer, err := unix.TimerfdCreate(unix.CLOCK_BOOTTIME, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	if err != nil {
		return fmt.Errorf("guard: %w", err)
	}
	expiry := os.NewFile(uintptr(timer), "timer")
	defer expiry.Close()
	words, rings := make(chan word), make(chan struct{})
	go func() {
		defer close(words)
		for lines := json.NewDecoder(os.Stdin); ; {
			var w word
			if lines.Decode(&w) != nil {
				return // the agent is gone
			}
			words <- w
		}
	}()
	go func() {
		count := make([]byte, 8)
		for {
			if _, err := expiry.Read(count); err != nil {
				return
			}
			rings <- struct{}{}
		}
	}()
	var run guarded
	for {
		select {
		case w, there := <-words:
			if w.Done || !there && !run.alive() {
				return nil
			}
			if !there {
				words = nil
				continue
			}
			run.hear(w)
			if err := arm(timer, run.deadline()); err != nil {
				return fmt.Errorf("guard: %w", err)
			}
		case <-rings:
			if bootTime() >= run.deadline() {
				return run.end()
			}
		}
	}
}

// arm has a timer ring at a time of the boot clock.
func arm(timer int, at time.Duration) error {
	spec := unix.ItimerSpec{Value: unix.NsecToTimespec(max(1, int64(at)))}
	return unix.TimerfdSettime(timer, unix.TFD_TIMER_ABSTIME, &spec, nil)
}

// guarded is what a guard knows of its run.
type guarded struct {
	word
	group Group
}

func (r *guarded) hear(w word) {
	if w.Run != "" {
		r.Run, r.Grace = w.Run, w.Grace
	}
	r.Until = max(r.Until, w.Until)
	r.Stopping = r.Stopping || w.Stopping
	if w.Group != nil {
		r.group = *w.Group
	}
}

// deadline is when it has something to do.
func (r *guarded) deadline() time.Duration {
	if r.Stopping {
		return r.Until + r.Grace
	}
	return r.Until
}

func (r *guarded) alive() bool {
	t := r.group.tree(r.Run)
	defer t.release()
	for range looks {
		if len(t.alive()) > 0 {
			return true
		}
	}
	return false
}

// end is a stop as the agent makes one, or the kill at its end.
func (r *guarded) end() error {
	t := r.group.tree(r.Run)
	defer t.release()
	grace := r.Grace
	if r.Stopping {
		grace = 0
	}
	return t.stop(context.Background(), grace, nil) //nolint:forbidigo // nothing ends a guard but its work
}
