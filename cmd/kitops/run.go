package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"sync"
	"syscall"
	"time"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/store"
	"github.com/bittrance/kitops/status"
)

// errHard says that a second signal cut the farewell short.
var errHard = errors.New("stopped the hard way: running actions were killed")

// run is the agent, from the settings to its end.
func (p program) run(all options) (err error) {
	settings, warnings, err := all.load(p.environ)
	if err != nil {
		return err
	}
	log := newLogger(p.stderr, settings.Status)
	for _, warning := range warnings {
		log.Warn("configuration", "warning", warning)
	}
	user, err := settings.user()
	if err != nil {
		return err
	}
	state, lock, err := openState(settings.Poller.StateFile)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Release()) }()
	agent, err := newAgent(settings.Poller.StateFile, state)
	if err != nil {
		return err
	}
	dirs, err := openRepoDir(settings.Poller.RepoDir, user != nil)
	if err != nil {
		return err
	}
	defer dirs.close()

	agent.RepoDir, agent.Abandoned = dirs.path, dirs.abandoned
	agent.Parallel, agent.Environ, agent.User = settings.Poller.MaxParallel, p.environ, user
	agent.Reaper = &actions.Reaper{}
	thrift := newThrift(debug.FreeOSMemory)
	defer thrift.close()
	agent.Observers = []poller.Observer{status.Log(log), thrift.observe}
	wiring := p.wiring(dirs.path, newApps(settings.App.APIURL, log), settings.Git.MaxSize)
	wiring.user = user
	agent.Report = (&status.GitHub{Find: wiring.find, TargetURL: settings.Status.TargetURL, Log: log}).Report

	if err := actions.Isolate(); err != nil {
		log.Warn("actions are not kept from reading kitops' memory", "err", err)
	}
	s := listen(log)
	defer s.close()
	agent.Kill = s.hard.Done()
	s.onChild = agent.Reaper.Reap
	catalog := newCatalog(wiring, agent, log)
	s.onHangup = func() { p.reload(s.soft, all, catalog, log) }
	go s.loop()

	if err := catalog.set(s.soft, settings); err != nil {
		return err
	}
	if err := wiring.mirrors.sweep(); err != nil {
		log.Warn("mirrors of former tasks are still there", "err", err)
	}
	if settings.Poller.PollOnce {
		err = catalog.list(s.soft)
		err = errors.Join(err, agent.Once(s.soft, len(settings.Task.URL) > 0 && !settings.IntervalSet))
	} else {
		var h *hooks
		if h, err = newHooks(s.soft, settings, agent, catalog, state, log); err != nil {
			return err
		}
		err = p.serve(s.soft, agent, catalog, h, log)
	}
	if s.hard.Err() != nil {
		return errors.Join(err, errHard)
	}
	return err
}

// serve is the daemon: it runs until ctx is done and keeps systemd informed.
func (p program) serve(ctx context.Context, agent *poller.Poller, c *catalog, h *hooks, log *slog.Logger) error {
	log.Info("kitops is watching", "version", describeVersion(), "tasks", len(h.settings.Tasks), "state", h.settings.Poller.StateFile)
	stop := notifySystemd(ctx, log)
	defer stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var beside sync.WaitGroup
	var serving error
	beside.Go(func() { c.run(ctx) })
	beside.Go(func() {
		if serving = h.run(ctx); serving != nil {
			cancel() // what was asked for is not served any more
		}
	})
	err := agent.Run(ctx)
	beside.Wait()
	err = errors.Join(err, serving)
	log.Info("kitops has stopped")
	return err
}

// reload reads the task file again. A bad one changes nothing.
func (p program) reload(ctx context.Context, all options, c *catalog, log *slog.Logger) {
	defer notifyReloading()()
	settings, _, err := all.load(p.environ)
	if err == nil && settings.Task.ConfigFile != "" {
		err = c.set(ctx, settings)
	}
	var mistakes *configError
	switch {
	case errors.As(err, &mistakes):
		for _, mistake := range mistakes.mistakes {
			log.Error("the task file is not taken over, the tasks stay as they are", "err", mistake)
		}
	case settings.Task.ConfigFile == "" && settings.patterns():
		c.poke()
		log.Info("the repositories of the GitHub App are listed again")
	case settings.Task.ConfigFile == "":
		log.Warn("nothing to reload: there is no --config-file")
	default:
		log.Info("the task file was read again", "tasks", len(settings.Tasks))
	}
}

// user is whom actions run as, nil for the agent itself.
func (s settings) user() (*actions.User, error) {
	if s.Actions.User == "" {
		return nil, nil //nolint:nilnil // no user is a valid answer
	}
	user, err := actions.LookupUser(s.Actions.User)
	if err != nil {
		return nil, &configError{[]error{fmt.Errorf("--action-user: %w", err)}}
	}
	return user, nil
}

// openState locks the state file, then reads it. The lock is on the file that
// a link leads to, so that two names are not two agents.
func openState(path string) (*store.File, *store.Lock, error) {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	} else if !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fmt.Errorf("state file: %w", err)
	}
	lock, err := store.AcquireLock(path + ".lock")
	if err != nil {
		return nil, nil, fmt.Errorf("state file: %w", err)
	}
	file, err := store.OpenFile(path)
	if err != nil {
		return nil, nil, errors.Join(err, lock.Release())
	}
	return file, lock, nil
}

// newAgent refuses documents that are not kitops', before anything runs.
func newAgent(path string, file *store.File) (*poller.Poller, error) {
	agent := poller.New()
	agent.Store = file
	if err := agent.Load(context.Background()); err != nil {
		return nil, &configError{[]error{fmt.Errorf("%s: %w", path, err)}}
	}
	return agent, nil
}

// signals turns what the system says into contexts and calls.
type signals struct {
	soft, hard        context.Context
	stopSoft, kill    context.CancelFunc
	ends, hups, kids  chan os.Signal
	quit              chan struct{}
	onHangup, onChild func()
	log               *slog.Logger
}

func listen(log *slog.Logger) *signals {
	s := &signals{
		log: log, quit: make(chan struct{}),
		ends: make(chan os.Signal, 2), hups: make(chan os.Signal, 1), kids: make(chan os.Signal, 1),
	}
	s.soft, s.stopSoft = context.WithCancel(context.Background())
	s.hard, s.kill = context.WithCancel(context.Background())
	signal.Notify(s.ends, syscall.SIGTERM, os.Interrupt)
	notifyPlatform(s)
	return s
}

// sameStop is how close two signals are one request to stop: timeout(1) and
// terminals signal a process and its group at the same time.
const sameStop = 50 * time.Millisecond

func (s *signals) loop() {
	var first time.Time
	for {
		select {
		case <-s.quit:
			return
		case sig := <-s.ends:
			if s.soft.Err() == nil {
				s.log.Info("stopping: running actions get 8 seconds, another signal kills them", "signal", sig.String())
				first = time.Now()
				s.stopSoft()
			} else if time.Since(first) > sameStop {
				s.log.Warn("killing running actions", "signal", sig.String())
				s.kill()
			}
		case <-s.hups:
			s.onHangup()
		case <-s.kids:
			s.onChild()
		}
	}
}

func (s *signals) close() {
	signal.Stop(s.ends)
	signal.Stop(s.hups)
	signal.Stop(s.kids)
	close(s.quit)
	s.stopSoft()
	s.kill()
}
