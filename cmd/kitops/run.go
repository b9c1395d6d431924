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
	dirs, err := openRepoDir(settings.Poller.RepoDir, user != nil)
	if err != nil {
		return err
	}
	defer dirs.close()

	agent := poller.New()
	agent.Store, agent.RepoDir, agent.Abandoned = state, dirs.path, dirs.abandoned
	agent.Parallel, agent.Environ, agent.User = settings.Poller.MaxParallel, p.environ, user
	agent.Reaper = &actions.Reaper{}
	agent.Observers = []poller.Observer{status.Log(log)}
	tasks := p.wiring(dirs.path, settings.Git, log)
	agent.Set(tasks.make(settings))
	if err := tasks.sweep(); err != nil {
		log.Warn("mirrors of former tasks are still there", "err", err)
	}

	if err := actions.Isolate(); err != nil {
		log.Warn("actions are not kept from reading kitops' memory", "err", err)
	}
	s := listen(log)
	defer s.close()
	agent.Kill = s.hard.Done()
	s.onChild = agent.Reaper.Reap
	s.onHangup = func() { p.reload(all, agent, tasks, log) }
	go s.loop()

	if settings.Poller.PollOnce {
		err = agent.Once(s.soft, settings.Task.URL != "" && !settings.IntervalSet)
	} else {
		err = p.serve(s.soft, agent, settings, log)
	}
	if s.hard.Err() != nil {
		return errors.Join(err, errHard)
	}
	return err
}

// serve is the daemon: it runs until ctx is done and keeps systemd informed.
func (p program) serve(ctx context.Context, agent *poller.Poller, s settings, log *slog.Logger) error {
	log.Info("kitops is watching", "version", describeVersion(), "tasks", len(s.Tasks), "state", s.Poller.StateFile)
	stop := notifySystemd(ctx, log)
	defer stop()
	err := agent.Run(ctx)
	log.Info("kitops has stopped")
	return err
}

// reload reads the task file again. A bad one changes nothing.
func (p program) reload(all options, agent *poller.Poller, tasks *wiring, log *slog.Logger) {
	defer notifyReloading()()
	settings, _, err := all.load(p.environ)
	var mistakes *configError
	switch {
	case errors.As(err, &mistakes):
		for _, mistake := range mistakes.mistakes {
			log.Error("the task file is not taken over, the tasks stay as they are", "err", mistake)
		}
	case settings.Task.ConfigFile == "":
		log.Warn("nothing to reload: there is no --config-file")
	default:
		agent.Set(tasks.make(settings))
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
	if err == nil {
		err = checkState(path, file)
	}
	if err != nil {
		return nil, nil, errors.Join(err, lock.Release())
	}
	return file, lock, nil
}

// checkState refuses documents that are not kitops', before anything runs.
func checkState(path string, file *store.File) error {
	if err := poller.CheckState(context.Background(), file); err != nil {
		return &configError{[]error{fmt.Errorf("%s: %w", path, err)}}
	}
	return nil
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
