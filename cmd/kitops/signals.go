package main

import (
	"context"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/bittrance/kitops/actions"
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
)

// signals turns what the system says into contexts and calls. The loop that
// receives signals calls nothing that can wait: it acts, then logs, and has the
// rest done by others. So a signal stops the agent whatever else it waits for.
type signals struct {
	soft, hard       context.Context
	stopSoft, kill   context.CancelFunc
	ends, hups, kids chan os.Signal
	polls            chan os.Signal
	quit             chan struct{}
	terminal         terminal

	// Set before loop is called.
	onHangup func()               // reads the task file again; may take its time
	closable bool                 // there is nothing to read again: without its terminal the agent is of no use
	onChild  func()               // a child has ended
	onPoll   func()               // polls all tasks now
	longer   func() time.Duration // that runners with jobs may take to end; nil: there are none
	grace    func() time.Duration // the longest that actions have to end
	exit     func(code int)       // ends the process whatever the rest of it does
	log      *slog.Logger         // never waits
}

func listen(log *slog.Logger) *signals {
	s := &signals{
		log: log, quit: make(chan struct{}), terminal: controllingTerminal(),
		ends: make(chan os.Signal, 2), hups: make(chan os.Signal, 1), kids: make(chan os.Signal, 1),
		polls: make(chan os.Signal, 1),
	}
	s.soft, s.stopSoft = context.WithCancel(context.Background())
	s.hard, s.kill = context.WithCancel(context.Background())
	signal.Notify(s.ends, syscall.SIGTERM, os.Interrupt)
	notifyPlatform(s)
	return s
}

func (s *signals) loop() {
	reload, child, poll := make(chan struct{}, 1), make(chan struct{}, 1), make(chan struct{}, 1)
	go s.each(reload, s.onHangup)
	go s.each(child, s.onChild)
	go s.each(poll, s.onPoll)
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
		case <-s.polls:
			nudge(poll)
		}
	}
}

// heed takes what comes another way for a signal to stop.
func (s *signals) heed(stops <-chan os.Signal) {
	for {
		select {
		case sig := <-stops:
			s.ends <- sig
		case <-s.quit:
			return
		}
	}
}

// stop lets running actions end.
func (s *signals) stop(key, why string) {
	grace := s.grace()
	limit := max(farewell, grace+2*time.Second)
	said := []any{key, why, "grace", grace}
	if s.longer != nil {
		if longest := s.longer(); longest > 0 {
			limit += longest
			said = append(said, "jobs_of_runners_get", longest)
		}
	}
	s.log.Info("stopping: running actions may end by themselves, another signal kills them", said...) // before the log is closed
	s.stopSoft()
	s.exitAfter(limit)
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
	for _, c := range []chan os.Signal{s.hups, s.kids, s.polls} {
		signal.Stop(c)
	}
	close(s.quit)
}
