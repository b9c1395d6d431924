package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/cmd/kitops/systemd"
	"github.com/bittrance/kitops/cmd/kitops/wiring"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/store"
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
	user, err := cfg.User()
	if err != nil {
		return err
	}
	state, err := wiring.OpenState(cfg.Poller.StateFile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, state.Lock.Release()) }()
	agent, err := wiring.NewPoller(context.Background(), cfg.Poller.StateFile, state.File)
	if err != nil {
		return err
	}
	dirs, err := wiring.OpenRepoDir(cfg.Poller.RepoDir, user != nil)
	if err != nil {
		return err
	}
	defer dirs.Close()
	for _, doubt := range []error{state.Doubt, dirs.Doubt} {
		if doubt != nil {
			log.Warn("another user could change what kitops does", "err", doubt)
		}
	}

	agent.RepoDir, agent.Abandoned = dirs.Path, dirs.Abandoned
	agent.Parallel, agent.Environ, agent.User = cfg.Poller.MaxParallel, p.environ, user
	if runtime.GOOS == "linux" && !user.IsRoot() { // who could have changed anything unseen
		agent.KeepWorkdirs = dirs.Keeps(cfg.Poller)
	}
	agent.Processes = &actions.Processes{}
	wiring.GroupRuns(agent.Processes, user, cfg.Poller.PollOnce, log)
	memory := wiring.NewMemoryRelease(debug.FreeOSMemory)
	defer memory.Close()
	agent.Observers = []poller.Observer{status.Log(log), memory.Observe}
	w := wiring.New(p.process(), dirs.Path, cfg.Git.MaxSize, cfg.App.APIURL, log)
	w.RunAs(user)
	w.RememberAccounts(context.Background(), state.File)
	agent.Second = p.process().Second
	w.Park = agent.KeepWorkdirs > 0
	agent.Report = (&status.GitHub{Find: w.Find, TargetURL: cfg.Status.TargetURL, Log: log}).Report

	if p.exposed != nil {
		log.Warn("actions are not kept from reading kitops' memory", "err", p.exposed)
	}
	if keys := cfg.ReadableKeys(user); len(keys) > 0 {
		log.Warn("actions can read the GitHub App's private key, so whoever may push can take it", "keys", keys, "remedy", settings.KeyRemedy)
	}
	s = listen(log)
	defer s.end()
	agent.Kill = s.hard.Done()
	s.onChild = agent.Processes.Reap
	catalog := wiring.NewCatalog(w, agent, log)
	s.closable = cfg.Task.ConfigFile == "" && !cfg.Patterns()
	s.exit = func(code int) {
		within(logHardFarewell, agent.Processes.Kill)
		queue.Close(logHardFarewell)
		os.Exit(code)
	}
	s.onReload = p.systemd.Reloading
	s.onHangup = func() {
		catalog.Reload(s.soft, func() (settings.Settings, []string, error) { return all.Load(p.environ) })
	}
	if cfg.Poller.PollOnce {
		s.onHangup = func() { log.Warn("nothing to reload: --poll-once polls once") }
	}
	go s.loop()

	if err := catalog.Set(s.soft, cfg); err != nil {
		return err
	}
	if err := w.Sweep(); err != nil {
		log.Warn("mirrors of former tasks are still there", "err", err)
	}
	if cfg.Poller.PollOnce {
		err = catalog.List(s.soft)
		once := agent.Once(s.soft, len(cfg.Task.URL) > 0 && !cfg.IntervalSet)
		if once != nil && !log.Enabled(s.soft, slog.LevelWarn) {
			once = fmt.Errorf("%w", once) // the log says nothing of what observers were told
		}
		err = errors.Join(err, once)
	} else {
		var h *wiring.Hooks
		if h, err = wiring.NewHooks(s.soft, cfg, agent, catalog, state.File, log); err != nil {
			return err
		}
		agent.Observers = append(agent.Observers, h.Observe)
		log.With(cfg.Describe()...).Info("kitops is watching", "version", p.build().Line(), "state", cfg.Poller.StateFile)
		err = p.serve(s.soft, agent, catalog, h, log, state.Lock, dirs.Lock)
	}
	if s.hard.Err() != nil {
		patience = logHardFarewell
		return errors.Join(err, errHard)
	}
	return err
}

// plain tells whether colours are unwanted (https://no-color.org).
func plain() bool { return os.Getenv("NO_COLOR") != "" || os.Getenv("TERM") == "dumb" }

// serve is the daemon: it runs until ctx is done and keeps systemd informed.
func (p program) serve(ctx context.Context, agent *poller.Poller, c *wiring.Catalog, h *wiring.Hooks, log *slog.Logger, locks ...*store.Lock) error {
	stop := p.systemd.Notify(ctx, func() bool { return systemd.Moving(agent.Health()) }, log)
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var beside sync.WaitGroup
	var serving, guarding error
	beside.Go(func() { c.Run(ctx) })
	beside.Go(func() {
		if guarding = wiring.GuardLocks(ctx, log, locks...); guarding != nil {
			log.Error("another kitops has taken over", "err", guarding)
			cancel()
		}
	})
	beside.Go(func() {
		if serving = h.Run(ctx); serving != nil {
			cancel() // what was asked for is not served any more
		}
	})
	err := agent.Run(ctx)
	beside.Wait()
	err = errors.Join(err, serving, guarding)
	log.Info("kitops has stopped")
	return err
}
