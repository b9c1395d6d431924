package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/poller/bug"
)

const (
	// sameStop is how close two signals are one request to stop: timeout(1) and
	// terminals signal a process and its group at the same time.
	sameStop = 50 * time.Millisecond
	// farewell is how long the agent may take to stop. It is the time that
	// actions get, and what the rest of their output and saving take. What waits
	// longer waits for a file system that does not answer.
	farewell = actions.Grace + 2*time.Second
	// lastFarewell is what killing the actions may take after a second signal.
	lastFarewell = 3 * time.Second
	// reloadLimit is how long a reload may take before that is an error.
	reloadLimit = 20 * time.Second
)

// signals turns what the system says into contexts and calls. The loop that
// receives signals calls nothing that can wait: it acts, then logs, and has the
// rest done by others. So a signal stops the agent whatever else it waits for.
type signals struct {
	soft, hard       context.Context
	stopSoft, kill   context.CancelFunc
	ends, hups, kids chan os.Signal
	quit             chan struct{}
	terminal         terminal

	// Set before loop is called.
	onHangup func()               // reads the task file again; may take its time
	onReload func() (told func()) // tells the service manager that a reload begins, then that it is over
	closable bool                 // there is nothing to read again: without its terminal the agent is of no use
	onChild  func()               // a child has ended
	exit     func(code int)       // ends the process whatever the rest of it does
	log      *slog.Logger         // never waits
}

func listen(log *slog.Logger) *signals {
	s := &signals{
		log: log, quit: make(chan struct{}), terminal: controllingTerminal(),
		ends: make(chan os.Signal, 2), hups: make(chan os.Signal, 1), kids: make(chan os.Signal, 1),
	}
	s.soft, s.stopSoft = context.WithCancel(context.Background())
	s.hard, s.kill = context.WithCancel(context.Background())
	signal.Notify(s.ends, syscall.SIGTERM, os.Interrupt)
	notifyPlatform(s)
	return s
}

func (s *signals) loop() {
	reload, child := make(chan struct{}, 1), make(chan struct{}, 1)
	go s.each(reload, s.reload)
	go s.each(child, s.onChild)
	var first time.Time // signal to stop
	last := false       // another came
	for {
		select {
		case <-s.quit:
			return
		case sig := <-s.ends:
			switch {
			case first.IsZero():
				first = time.Now()
				s.stop("signal", sig.String())
			case time.Since(first) > sameStop && !last:
				last = true
				s.kill()
				s.exitAfter(lastFarewell)
				s.log.Warn("killing running actions", "signal", sig.String())
			}
		case <-s.hups:
			if !s.closable || !s.terminal.gone() {
				nudge(reload)
			} else if first.IsZero() {
				first = time.Now()
				s.stop("reason", "the terminal is gone")
			}
		case <-s.kids:
			nudge(child)
		}
	}
}

// stop lets running actions end.
func (s *signals) stop(key, why string) {
	s.log.Info("stopping: running actions get 8 seconds, another signal kills them", key, why) // before the log is closed
	s.stopSoft()
	s.exitAfter(farewell)
}

// exitAfter ends the process if it has not ended by itself until then.
func (s *signals) exitAfter(limit time.Duration) {
	go func() {
		select {
		case <-s.quit:
		case <-time.After(limit):
			s.log.Error("kitops does not end by itself: it waits for something that does not answer", "after", limit)
			s.exit(exitFailure)
		}
	}()
}

// within calls f and does not wait for it any longer than that.
func within(limit time.Duration, f func()) {
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
	case <-time.After(limit):
	}
}

// nudge asks for what a goroutine does. One that has been asked already looks anyway.
func nudge(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// each calls f for each nudge until the agent ends.
func (s *signals) each(nudges <-chan struct{}, f func()) {
	for {
		select {
		case <-s.quit:
			return
		case <-nudges:
			f()
		}
	}
}

// reload reads the task file again, which may be on a file system that does
// not answer. Then the tasks stay as they are, until it does.
func (s *signals) reload() {
	told := s.onReload()
	done := make(chan struct{})
	go func() {
		defer close(done)
		if err := bug.Catch(func() error { s.onHangup(); return nil }); err != nil {
			s.log.Error("the task file is not taken over, the tasks stay as they are", "err", err)
		}
	}()
	select {
	case <-done:
		told()
		return
	case <-s.quit:
		return
	case <-time.After(reloadLimit):
		told()
		s.log.Error("the task file cannot be read, the tasks stay as they are: the file system does not answer", "after", reloadLimit)
	}
	select {
	case <-done:
	case <-s.quit:
	}
}

// end ends what is still at work.
func (s *signals) end() {
	s.stopSoft()
	s.kill()
}

// close listens no more. Signals to stop stay caught, so that one that comes
// while the process exits does not change its exit code. It may be called
// without listen.
func (s *signals) close() {
	if s == nil {
		return
	}
	for _, c := range []chan os.Signal{s.hups, s.kids} {
		signal.Stop(c)
	}
	close(s.quit)
}
