package handover

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bittrance/kitops/cmd/kitops/systemd"
	"github.com/bittrance/kitops/cmd/kitops/upgrade"
	"github.com/bittrance/kitops/cmd/kitops/wiring"
)

const (
	// successorInterval is how often the file of the program is looked at.
	successorInterval = 5 * time.Second
	// idlePatience is how long a newer program waits for a moment without runs.
	// Then no run begins until those that go on have ended.
	idlePatience = 10 * time.Minute
	// handedKey is the variable that names what is kept open.
	handedKey = "KITOPS_HANDED_OVER"
)

// Serve is the daemon, until ctx is done. It ends, with the next program, when
// another one is installed and no run goes on.
func (s *Start) Serve(ctx context.Context, agent *wiring.Agent, log *slog.Logger) (next *Heir, err error) {
	stopped := ctx
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var beside sync.WaitGroup
	defer beside.Wait()
	defer cancel()
	successor := s.successor(s.Options.Exposable(s.Process.Environ))
	successor.Trier.Run = agent.Processes.Run
	err = agent.Serve(ctx, s.Line, func() (stop func()) {
		notified := s.Systemd.Notify(stopped, systemd.State{
			Moving: func() bool { return agent.Draining() || systemd.Moving(agent.Health()) }, Draining: agent.Draining, Grace: agent.LongestGrace,
		}, log)
		s.Ready(log)
		stopIdle := s.idle(agent, log)
		agent.Processes.Reap() // what has ended while another program was here
		beside.Go(func() {
			if next = s.await(ctx, successor, agent, log); next != nil {
				cancel()
			}
		})
		return func() { stopIdle(); notified() }
	})
	cancel()
	beside.Wait()
	return next, err
}

// successor watches for another program in the place of this one, which must
// take the settings of this agent. With secrets that are exposable it is only
// asked for its version, without them.
func (s *Start) successor(exposable []string) *upgrade.Successor {
	flags := s.Args[1:]
	if len(flags) > 0 && flags[0] == "run" {
		flags = flags[1:]
	}
	next := &upgrade.Successor{
		Program: s.Program, Version: s.Version, Memory: s.trial.Memory, Every: s.scaled(successorInterval),
		Trier: upgrade.Trier{Settings: append([]string{}, flags...), Environ: s.Process.Environ},
	}
	if len(exposable) > 0 {
		next.Trier = upgrade.Trier{Environ: without(s.Process.Environ, exposable)}
	}
	next.Mark()
	return next
}

// await returns when another program is installed and no run goes on, with the
// locks and the address that it keeps; nil when ctx is done before.
func (s *Start) await(ctx context.Context, successor *upgrade.Successor, agent *wiring.Agent, log *slog.Logger) *Heir {
	version, ok := successor.Await(ctx, func(err error) {
		log.Error("another kitops is installed and does not work here: this one goes on", "err", err)
	})
	if !ok {
		return nil
	}
	if names := s.Options.Exposable(s.Process.Environ); len(names) > 0 || !canBecome {
		log.Warn("another kitops is installed, and runs after kitops is started again", "version", version, "secrets", strings.Join(names, " "))
		return nil
	}
	var after []string
	for _, run := range agent.Going() {
		after = append(after, fmt.Sprintf("%s@%.12s", run.Task, run.Revision.SHA))
	}
	log.Info("another kitops is installed, and runs after the runs that go on", "version", version, "after", strings.Join(after, " "))
	if !agent.RestRunners(ctx) || !agent.Drain(ctx, idlePatience) {
		return nil
	}
	kept, err := agent.Keep()
	if err == nil {
		err = successor.Announce(version)
	}
	if err != nil {
		log.Error("another kitops is installed, and runs after kitops is started again", "version", version, "err", err)
		agent.Resume()
		agent.WakeRunners()
		return nil
	}
	log.Info("kitops goes on as another version, in the same process", "version", version)
	return &Heir{program: successor.Program, kept: kept}
}

// without leaves variables out of an environment.
func without(environ, names []string) []string {
	return slices.DeleteFunc(slices.Clone(environ), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		return slices.Contains(names, name)
	})
}
