package main

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/cmd/kitops/systemd"
	"github.com/bittrance/kitops/cmd/kitops/wiring"
	"github.com/bittrance/kitops/status"
)

const (
	logFarewell     = 2 * time.Second        // for log lines that are queued when the agent ends
	logHardFarewell = 200 * time.Millisecond // the same, when it was told twice to end
	lastWords       = time.Second            // for the errors that a command ends with
)

// errHard says that a second signal cut the farewell short.
var errHard = errors.New("stopped the hard way: running actions were killed")

// run is the agent, from the settings to its end.
func (p program) run(all settings.Options) (err error) {
	cfg, warnings, err := all.Load(p.environ)
	if err != nil {
		return err
	}
	defer outliveReaders()()
	var s *signals
	defer func() { s.close() }() // after everything: a second signal is heard to the end
	log, queue := status.NewLogger(p.stderr, cfg.Status, plain())
	patience := logFarewell
	defer func() { queue.Close(patience) }()
	for _, warning := range warnings {
		log.Warn("configuration", "warning", warning)
	}
	agent, err := wiring.Open(context.Background(), cfg, p.process(), log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, agent.Close()) }()
	if p.exposed != nil {
		log.Warn("actions are not kept from reading kitops' memory", "err", p.exposed)
	}
	s = listen(log)
	defer s.end()
	agent.Kill = s.hard.Done()
	s.onChild = agent.Processes.Reap
	s.closable = cfg.Task.ConfigFile == "" && !cfg.Patterns()
	s.exit = func(code int) {
		within(logHardFarewell, agent.Processes.Kill)
		queue.Close(logHardFarewell)
		os.Exit(code)
	}
	s.onReload = p.systemd.Reloading
	s.onHangup = func() {
		agent.Catalog.Reload(s.soft, func() (settings.Settings, []string, error) { return all.Load(p.environ) })
	}
	if cfg.Poller.PollOnce {
		s.onHangup = func() { log.Warn("nothing to reload: --poll-once polls once") }
	}
	go s.loop()

	if cfg.Poller.PollOnce {
		err = agent.Once(s.soft)
	} else {
		err = agent.Serve(s.soft, p.build().Line(), func() (stop func()) {
			return p.systemd.Notify(s.soft, func() bool { return systemd.Moving(agent.Health()) }, log)
		})
	}
	if s.hard.Err() != nil {
		patience = logHardFarewell
		return errors.Join(err, errHard)
	}
	return err
}

// plain tells whether colours are unwanted (https://no-color.org).
func plain() bool { return os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" }
