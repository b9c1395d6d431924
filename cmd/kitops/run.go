package main

import (
	"context"
	"errors"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/bittrance/kitops/cmd/kitops/handover"
	"github.com/bittrance/kitops/cmd/kitops/installed"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/cmd/kitops/wiring"
	"github.com/bittrance/kitops/status"
)

const (
	logFarewell     = 2 * time.Second        // for log lines that are queued when the agent ends
	logHardFarewell = 200 * time.Millisecond // the same, when it was told twice to end
)

// errHard says that a second signal cut the farewell short.
var errHard = errors.New("stopped the hard way: running actions were killed")

func (p program) runCommand() *cobra.Command {
	return p.withOptions(&cobra.Command{
		Use: "run [flags]", Short: "Watch and act until SIGTERM (the default command)",
		RunE: func(cmd *cobra.Command, _ []string) error {
			start := p.start()
			return start.Run(cmd.Context(), func() (*handover.Heir, error) { return p.agent(start) })
		},
	})
}

// start is this start of the program, which another may follow in its process.
func (p program) start() *handover.Start {
	file, _ := installed.File() // without /proc it is not known
	return &handover.Start{
		Args: append([]string{os.Args[0]}, p.args...), Process: p.process(), Options: p.options, Systemd: p.systemd,
		Complain: p.complain, Exit: func() { os.Exit(exitFailure) },
		Version: p.installed().Number(), Program: file, Line: p.build.Line(),
		Excluded: func(err error) bool { return exitCode(err) == exitLocked },
		Refused:  func(err error) bool { return exitCode(err) == exitUsage },
	}
}

// agent is the agent, from the settings to its end. Next is the program that is
// to take its place.
func (p program) agent(start *handover.Start) (next *handover.Heir, err error) {
	load := func() (settings.Settings, []string, error) { return p.options.Load(p.environ) }
	cfg, warnings, err := load()
	if err != nil {
		return nil, err
	}
	defer outliveReaders()()
	var s *signals
	defer func() { s.close() }() // after everything: a second signal is heard to the end
	log, queue := status.NewLogger(p.stderr, cfg.Status, spared())
	patience := logFarewell
	defer func() { queue.Close(patience) }()
	for _, warning := range warnings {
		log.Warn("configuration", "warning", warning)
	}
	agent, err := wiring.Open(context.Background(), cfg, p.process(), log)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, agent.Close()) }()
	start.Watch(agent, log)
	if p.exposed != nil {
		log.Warn("actions are not kept from reading kitops' memory", "err", p.exposed)
	}
	if limit := wiring.FarewellOf(cfg.Runners); p.systemd.Impatient(os.Getenv, limit) {
		log.Warn("systemd may end kitops before the jobs of its runners have ended, since it cannot be asked to wait",
			"needs", limit, "remedy", "Type=notify in the unit, else a TimeoutStopSec of that")
	}
	s = listen(log)
	go s.heed(p.stops)
	defer s.end()
	agent.Kill = s.hard.Done()
	s.onChild = agent.Processes.Reap
	s.onPoll, s.grace = agent.NudgeAll, agent.LongestGrace
	s.longer = agent.Farewell
	s.onHangup = func() { agent.Reload(s.soft, load, p.systemd.Reloading) }
	s.closable = cfg.Task.ConfigFile == "" && !cfg.Patterns()
	s.exit = func(code int) {
		within(logHardFarewell, agent.Processes.Kill)
		queue.Close(logHardFarewell)
		if s.hard.Err() != nil {
			p.complain(errHard)
		}
		os.Exit(code)
	}
	go s.loop()

	if cfg.Poller.PollOnce {
		start.Ready(log)
		err = agent.Once(s.soft)
	} else {
		next, err = start.Serve(s.soft, agent, log)
	}
	if s.hard.Err() != nil {
		patience = logHardFarewell
		return nil, errors.Join(err, errHard)
	}
	if s.soft.Err() != nil {
		start.Stopped()
		next = nil
	}
	return next, err
}

// spared is what a terminal is spared that can do nothing, or that nobody wants colours on (https://no-color.org).
func spared() status.Terminal {
	dumb := os.Getenv("TERM") == "dumb"
	return status.Terminal{Plain: dumb || os.Getenv("NO_COLOR") != "", Still: dumb}
}
