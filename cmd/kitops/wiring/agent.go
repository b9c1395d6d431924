package wiring

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync"
	"time"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/store/file"
	"github.com/bittrance/kitops/status"
	"github.com/bittrance/kitops/status/api"
	"github.com/bittrance/kitops/status/github"
	"github.com/bittrance/kitops/status/history"
	"github.com/bittrance/kitops/status/metrics"
	"github.com/bittrance/kitops/status/notify"
	"github.com/bittrance/kitops/status/page"
)

// Agent is a poller with all that it was wired to: what kitops run is, without the process.
type Agent struct {
	*poller.Poller
	Catalog *Catalog

	wiring   *Wiring
	settings settings.Settings
	state    *State
	dirs     *RepoDir
	memory   *MemoryRelease
	hooks    *Hooks           // nil before Serve
	history  *history.History // nil: off
	feed     *api.Feed
	metrics  *metrics.Metrics // nil: off
	page     *page.Server     // nil: off
	commits  *github.Reporter
	sender   *notify.Sender
	runners  *runnerSets
	log      *slog.Logger
}

// Open takes the state and the directory for clones, which are this agent's
// alone until Close, and wires a poller to them. Nothing runs before Once or Serve.
func Open(ctx context.Context, s settings.Settings, p Process, log *slog.Logger) (_ *Agent, err error) {
	user, strangers, err := usersOf(s)
	if err != nil {
		return nil, err
	}
	for _, set := range s.Runners {
		if _, err := runnerUser(set); err != nil {
			return nil, &settings.Error{Mistakes: []error{err}}
		}
	}
	a := &Agent{settings: s, log: log}
	a.runners = newRunnerSets(a)
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	if a.state, err = OpenState(s, p); err != nil {
		return nil, err
	}
	if a.state.shared != nil {
		a.Poller = poller.New()
	} else if a.Poller, err = NewPoller(ctx, a.state); err != nil {
		return nil, err
	}
	if a.dirs, err = OpenRepoDir(s.Poller.RepoDir, user != nil || strangers.user != nil || runnersApart(s), p.Handed); err != nil {
		return nil, err
	}
	for _, doubt := range []error{a.state.Doubt, a.dirs.Doubt} {
		if doubt != nil {
			log.Warn("another user could change what kitops does", "err", doubt)
		}
	}
	a.RepoDir, a.Abandoned = a.dirs.Path, a.dirs.Abandoned
	a.Afresh = s.Poller.Again
	a.Parallel, a.Environ, a.User, a.Untrusted = s.Poller.MaxParallel, p.Environ, user, strangers.user
	if shared := a.state.shared; shared != nil {
		if a.Members, err = shared.member(s.Status.Instance, a.dirs, log); err != nil {
			return nil, err
		}
		a.Store, a.Members.Behind = a.Members.Documents, a.Behind
		labels, _ := settings.ParseLabels(s.Poller.Labels) // they were judged
		a.Members.Describe(s.Poller.MaxParallel, labels)
		a.Join(a.Members.Instance)
		a.Grace = shared.terms.Grace
		a.Guard = func(runID string, until time.Duration) (*actions.Guard, error) {
			return a.Processes.StartGuard(runID, until, a.Grace)
		}
	}
	if runtime.GOOS == "linux" && !user.IsRoot() { // who could have changed anything unseen
		a.KeepWorkdirs = a.dirs.Keeps(s.Poller)
	}
	if a.state.shared != nil && a.KeepWorkdirs > 0 {
		if a.Parks, err = file.Open(filepath.Join(a.dirs.Path, parksFile)); err != nil {
			log.Warn("workdirs are not kept for the next run, since it is not known which are there", "err", err)
			a.KeepWorkdirs, a.Parks, err = 0, nil, nil
		}
	}
	a.Processes = &actions.Processes{}
	groupRuns(a.Processes, user, s.Poller.PollOnce, log)
	expect := easeMemory()
	a.memory = NewMemoryRelease(debug.FreeOSMemory)
	a.Observers = []poller.Observer{status.Log(log), a.memory.Observe}
	a.feed = api.NewFeed()
	if a.history = a.openHistory(ctx); a.history != nil {
		a.history.Then = a.feed.Observe
		a.Observers = append(a.Observers, a.history.Observe)
	} else {
		a.Observers = append(a.Observers, a.feed.Observe)
	}
	a.Second = p.Second
	a.wiring = New(p, a.dirs.Path, s.Git.MaxSize, s.App.APIURL, log)
	a.wiring.user, a.wiring.stranger = user, strangers
	if a.state.shared != nil {
		a.wiring.KeepAccounts(ctx, a.state.Beside)
	} else {
		a.wiring.RememberAccounts(ctx, a.state.Beside)
	}
	a.wiring.Park = a.KeepWorkdirs > 0
	a.commits = a.onCommits()
	a.Report = a.reporter(a.commits)
	a.Observers = append(a.Observers, a.commits.Records.Observe)
	if keys := s.ReadableKeys(user); len(keys) > 0 {
		log.Warn("actions can read the GitHub App's private key, so whoever may push can take it", "keys", keys, "remedy", settings.KeyRemedy)
	}
	a.Catalog = NewCatalog(a.wiring, a.Poller, log)
	a.Catalog.Expect, a.Catalog.Allow, a.Catalog.Changed = expect, a.Processes.Allow, a.runners.poke
	return a, nil
}

// OnTrial says how long the former version of the program may have to go on with the state. Call it
// before Once or Serve.
func (a *Agent) OnTrial(trial func() bool) { a.state.Hold(trial) }

// Close gives back what Open took.
func (a *Agent) Close() error {
	var errs []error
	if a.memory != nil {
		a.memory.Close()
	}
	if a.Poller != nil && a.Members != nil {
		ctx, cancel := context.WithTimeout(context.Background(), closing) //nolint:forbidigo // the agent has ended, and its context with it
		defer cancel()
		errs = append(errs, a.Members.Leave(ctx))
	}
	if a.history != nil {
		a.history.Close(historyFarewell)
	}
	if a.dirs != nil {
		a.dirs.Close()
	}
	if a.state != nil {
		errs = append(errs, a.state.Close())
	}
	return errors.Join(errs...)
}

// begin gives the poller its tasks.
func (a *Agent) begin(ctx context.Context) error {
	if err := a.Catalog.Set(ctx, a.settings); err != nil {
		return err
	}
	if err := a.wiring.Sweep(); err != nil {
		a.log.Warn("mirrors of former tasks are still there", "err", err)
	}
	return nil
}

// Once polls each task once, and runs what is due.
func (a *Agent) Once(ctx context.Context) error {
	if err := a.begin(ctx); err != nil {
		return err
	}
	if ok, err := a.entered(ctx); !ok {
		return err
	}
	if len(a.settings.Runners) > 0 {
		a.log.Warn("runners need an agent that stays: --poll-once leaves their jobs to others")
	}
	defer a.answer(ctx)()
	listed := a.Catalog.List(ctx)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var keeping sync.WaitGroup
	var lost error
	keeping.Go(func() { lost = a.keepName(ctx, cancel) })
	once := a.Poller.Once(ctx, len(a.settings.Task.URL) > 0 && !a.settings.IntervalSet)
	cancel()
	keeping.Wait()
	if once != nil && !a.log.Enabled(ctx, slog.LevelWarn) {
		once = fmt.Errorf("%w", once) // the log says nothing of what observers were told
	}
	return errors.Join(listed, once, lost)
}

// keepName stays the one instance of its name until ctx is done, and ends the agent
// when it is not.
func (a *Agent) keepName(ctx context.Context, end func()) error {
	if a.Members == nil {
		return nil
	}
	err := a.Members.Run(ctx)
	if err != nil {
		a.log.Error("this instance must not go on", "err", err)
		end()
	}
	return err
}

// Serve is the daemon: it runs until ctx is done. Ready is called when it is
// about to begin, and what that returned when it has ended.
func (a *Agent) Serve(ctx context.Context, version string, ready func() (stop func())) error {
	if err := a.begin(ctx); err != nil {
		return err
	}
	h, err := NewHooks(ctx, a.settings, a.Poller, a.Catalog, a.state.Beside, a.log)
	if err != nil {
		return err
	}
	clicked := newClicks(a)
	a.hooks, h.clicked, h.settle = h, clicked.hear, clicked.settle
	a.wiring.process.Handed.Close()
	a.Observers = append(a.Observers, h.Observe)
	measuring, err := a.measure(ctx)
	if err != nil {
		return err
	}
	h.metrics = a.metrics
	if a.page, err = a.openPage(ctx); err != nil {
		return err
	}
	a.log.With(a.settings.Describe()...).Info("kitops is watching", "version", version, "state", a.state.Place)
	defer ready()()
	defer a.answer(context.WithoutCancel(ctx))() // also while it stops
	if ok, err := a.entered(ctx); !ok {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var beside sync.WaitGroup
	var serving, guarding, named, telling, showing error
	beside.Go(func() { a.Catalog.Run(ctx) })
	beside.Go(func() { a.commits.Run(ctx) })
	beside.Go(func() { clicked.Run(ctx) })
	beside.Go(func() { a.runners.run(ctx) })
	beside.Go(func() { named = a.keepName(ctx, cancel) })
	beside.Go(func() {
		if guarding = GuardLocks(ctx, a.log, a.locks()...); guarding != nil {
			a.log.Error("another kitops has taken over", "err", guarding)
			cancel()
		}
	})
	beside.Go(func() {
		if measuring == nil {
			return
		}
		if telling = measuring.Run(ctx, a.metrics, a.log); telling != nil {
			cancel()
		}
	})
	beside.Go(func() {
		if a.page == nil {
			return
		}
		if showing = a.page.Run(ctx); showing != nil {
			cancel()
		}
	})
	beside.Go(func() {
		if serving = h.Run(ctx); serving != nil {
			cancel() // what was asked for is not served any more
		}
	})
	err = a.Run(ctx)
	beside.Wait()
	err = errors.Join(err, serving, guarding, named, telling, showing)
	a.log.Info("kitops has stopped")
	return err
}

// locks are those of what is this agent's alone.
func (a *Agent) locks() []*file.Lock {
	if a.state.Lock == nil {
		return []*file.Lock{a.dirs.Lock}
	}
	return []*file.Lock{a.state.Lock, a.dirs.Lock}
}
