package wiring

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"
	"sync"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/status"
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
	log      *slog.Logger
}

// Open takes the state and the directory for clones, which are this agent's
// alone until Close, and wires a poller to them. Nothing runs before Once or Serve.
func Open(ctx context.Context, s settings.Settings, p Process, log *slog.Logger) (_ *Agent, err error) {
	user, err := s.User()
	if err != nil {
		return nil, err
	}
	a := &Agent{settings: s, log: log}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	if a.state, err = OpenState(s.Poller.StateFile); err != nil {
		return nil, err
	}
	if a.Poller, err = NewPoller(ctx, s.Poller.StateFile, a.state.File); err != nil {
		return nil, err
	}
	if a.dirs, err = OpenRepoDir(s.Poller.RepoDir, user != nil); err != nil {
		return nil, err
	}
	for _, doubt := range []error{a.state.Doubt, a.dirs.Doubt} {
		if doubt != nil {
			log.Warn("another user could change what kitops does", "err", doubt)
		}
	}
	a.RepoDir, a.Abandoned = a.dirs.Path, a.dirs.Abandoned
	a.Parallel, a.Environ, a.User = s.Poller.MaxParallel, p.Environ, user
	if runtime.GOOS == "linux" && !user.IsRoot() { // who could have changed anything unseen
		a.KeepWorkdirs = a.dirs.Keeps(s.Poller)
	}
	a.Processes = &actions.Processes{}
	groupRuns(a.Processes, user, s.Poller.PollOnce, log)
	easeMemory()
	a.memory = NewMemoryRelease(debug.FreeOSMemory)
	a.Observers = []poller.Observer{status.Log(log), a.memory.Observe}
	a.Second = p.Second
	a.wiring = New(p, a.dirs.Path, s.Git.MaxSize, s.App.APIURL, log)
	a.wiring.RunAs(user)
	a.wiring.RememberAccounts(ctx, a.state.File)
	a.wiring.Park = a.KeepWorkdirs > 0
	a.Report = (&status.GitHub{Find: a.wiring.Find, TargetURL: s.Status.TargetURL, Log: log}).Report
	if keys := s.ReadableKeys(user); len(keys) > 0 {
		log.Warn("actions can read the GitHub App's private key, so whoever may push can take it", "keys", keys, "remedy", settings.KeyRemedy)
	}
	a.Catalog = NewCatalog(a.wiring, a.Poller, log)
	return a, nil
}

// Close gives back what Open took.
func (a *Agent) Close() error {
	if a.memory != nil {
		a.memory.Close()
	}
	if a.dirs != nil {
		a.dirs.Close()
	}
	if a.state == nil {
		return nil
	}
	return a.state.Lock.Release()
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
	listed := a.Catalog.List(ctx)
	once := a.Poller.Once(ctx, len(a.settings.Task.URL) > 0 && !a.settings.IntervalSet)
	if once != nil && !a.log.Enabled(ctx, slog.LevelWarn) {
		once = fmt.Errorf("%w", once) // the log says nothing of what observers were told
	}
	return errors.Join(listed, once)
}

// Serve is the daemon: it runs until ctx is done. Ready is called when it is
// about to begin, and what that returned when it has ended.
func (a *Agent) Serve(ctx context.Context, version string, ready func() (stop func())) error {
	if err := a.begin(ctx); err != nil {
		return err
	}
	h, err := NewHooks(ctx, a.settings, a.Poller, a.Catalog, a.state.File, a.log)
	if err != nil {
		return err
	}
	a.Observers = append(a.Observers, h.Observe)
	a.log.With(a.settings.Describe()...).Info("kitops is watching", "version", version, "state", a.settings.Poller.StateFile)
	defer ready()()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var beside sync.WaitGroup
	var serving, guarding error
	beside.Go(func() { a.Catalog.Run(ctx) })
	beside.Go(func() {
		if guarding = GuardLocks(ctx, a.log, a.state.Lock, a.dirs.Lock); guarding != nil {
			a.log.Error("another kitops has taken over", "err", guarding)
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
	err = errors.Join(err, serving, guarding)
	a.log.Info("kitops has stopped")
	return err
}
