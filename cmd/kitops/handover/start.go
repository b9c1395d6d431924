// Package handover lets another version of the program take the place of an agent.
// That is a newer one that was installed, or the former one where the newer one
// does not prove itself. The process stays the same: its number, its locks and
// its listening socket go on.
package handover

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/cmd/kitops/systemd"
	"github.com/bittrance/kitops/cmd/kitops/upgrade"
	"github.com/bittrance/kitops/cmd/kitops/wiring"
	"github.com/bittrance/kitops/poller"
)

// Heir is a program that takes the place of this one, in the same process.
type Heir struct {
	program string
	kept    wiring.Handed
}

// Start is one start of the program as an agent, and what it has to prove if the
// program is new.
type Start struct {
	Args     []string // of the process, its name first
	Process  wiring.Process
	Options  settings.Options
	Version  string // of this program, without a v
	Program  string // its file; "": not known
	Line     string // says what this program is
	Systemd  systemd.Socket
	Complain func(error)
	Exit     func()           // ends the process at once, as one that has failed
	Excluded func(error) bool // another has what this start wants: that is no fault of the program
	Refused  func(error) bool // the settings are at fault, or what is installed: another start is no use

	trial   upgrade.Trial
	stopped bool
}

// Run counts this start, then is the agent. It becomes another program when that
// is to take its place: a newer one, or the former one.
func (s *Start) Run(ctx context.Context, agent func() (*Heir, error)) error {
	ctx, cancel := context.WithCancel(ctx)
	var waiting sync.WaitGroup
	defer waiting.Wait()
	defer cancel()
	former, err := s.begin(ctx)
	if err != nil {
		s.Complain(fmt.Errorf("upgrade: %w", err)) // runs all the same
	}
	if former != "" {
		return s.goBack(former)
	}
	limit := s.scaled(upgrade.TrialLimit)
	waiting.Go(func() {
		if !s.trial.Await(ctx, limit) { // whatever the rest of it waits for
			if former := s.giveUp(ctx, fmt.Sprintf("it was not ready with a successful poll within %s", limit)); former != "" {
				s.Complain(s.goBack(former))
				s.Exit()
			}
		}
	})
	next, err := agent()
	cancel()
	waiting.Wait() // it may be executing the former program
	if former := s.verdict(context.WithoutCancel(ctx), err); former != "" {
		return s.goBack(former)
	}
	if next != nil {
		return errors.Join(err, s.become(next))
	}
	return err
}

// begin counts this start; with a former program it is that which is to run.
func (s *Start) begin(ctx context.Context) (former string, err error) {
	environ := s.Process.Environ
	s.trial.Version, s.trial.Program = s.Version, s.Program
	s.trial.Memory = upgrade.MemoryBeside(s.Options.Beside(environ))
	s.trial.Trier = upgrade.Trier{Environ: without(environ, s.Options.SecretVariables(environ))}
	return s.trial.Begin(ctx)
}

// verdict judges a start that has ended by itself. A mistake in the
// configuration is one that the former program did not see, and that no service
// manager starts again.
func (s *Start) verdict(ctx context.Context, err error) (former string) {
	if !s.trial.Pending() {
		return ""
	}
	switch {
	case s.stopped || err == nil || s.Excluded(err):
		if err := s.trial.Stopped(); err != nil {
			s.Complain(fmt.Errorf("upgrade: %w", err))
		}
	case s.Refused(err) || s.trial.Last():
		return s.giveUp(ctx, "it ended: "+err.Error())
	}
	return ""
}

// goBack executes the former program. Where actions could read secrets in that moment, it is for
// whoever watches kitops to start it: the error says so, and makes no exit code that they stop at.
func (s *Start) goBack(former string) error {
	if names := s.Options.Exposable(s.Process.Environ); len(names) > 0 {
		return fmt.Errorf("start kitops again: the former version is not handed the secrets in %s, which actions could read meanwhile", strings.Join(names, ", "))
	}
	return s.become(&Heir{program: former})
}

// giveUp brings the former program back.
func (s *Start) giveUp(ctx context.Context, why string) (former string) {
	former, err := s.trial.RollBack(context.WithoutCancel(ctx), why)
	if err == nil && former != "" {
		err = fmt.Errorf("kitops %s is rolled back: %s", s.Version, why)
	}
	if err != nil {
		s.Complain(err)
	}
	return former
}

// Stopped says that somebody has ended this start.
func (s *Start) Stopped() { s.stopped = true }

// Watch hears of polls.
func (s *Start) Watch(agent *wiring.Agent, log *slog.Logger) {
	if h, err := s.trial.Memory.History(); err == nil && h.RolledBack != "" && h.From == s.Version {
		log.Warn("an upgrade was rolled back", "version", h.To, "at", h.At, "reason", h.RolledBack)
	}
	if !s.trial.Pending() {
		return
	}
	s.trial.Through(agent.Processes.Run)
	agent.OnTrial(func() bool { return !s.trial.Good() }) // also while it is rolled back
	agent.Observers = append(agent.Observers, func(e poller.Event) {
		if e.Kind == poller.Looked && e.Err == nil || e.Kind == poller.Left {
			s.note(s.trial.Polled, log)
		}
	})
}

// Ready says that the agent is.
func (s *Start) Ready(log *slog.Logger) { s.note(s.trial.Ready, log) }

// note says what has been proved, and tells of the end of the trial.
func (s *Start) note(proved func() error, log *slog.Logger) {
	if !s.trial.Pending() {
		return
	}
	if err := proved(); err != nil {
		log.Error("the end of an upgrade is not saved", "err", err)
	} else if !s.trial.Pending() {
		log.Info("the upgrade is good", "version", s.Version)
	}
}

// idle says, when most of the limit is over, that there is nothing to poll. What
// it returns ends that.
func (s *Start) idle(agent *wiring.Agent, log *slog.Logger) (stop func() bool) {
	return time.AfterFunc(s.scaled(upgrade.TrialLimit)*3/4, func() {
		if len(agent.Health()) == 0 {
			s.note(s.trial.Polled, log)
		}
	}).Stop
}

// scaled is a pause in the unit of tests.
func (s *Start) scaled(d time.Duration) time.Duration {
	if unit := s.Process.Second; unit != 0 {
		return time.Duration(float64(d) * unit.Seconds())
	}
	return d
}
