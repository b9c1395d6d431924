package wiring

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/files"
	"github.com/bittrance/kitops/poller/store"
	"github.com/bittrance/kitops/poller/store/bucket"
	"github.com/bittrance/kitops/poller/store/file"
	"github.com/bittrance/kitops/poller/store/members"
)

// State is the memory between executions.
type State struct {
	Tasks  store.Store
	Beside store.Store // for what is no task's memory; one with Tasks in a file
	Place  string      // as people know it
	Path   string      // of a file, that a link leads to; "": others share the store
	Lock   *file.Lock  // of a file, which is this agent's alone; nil: others share the store
	Doubt  error       // what speaks against a file's place, nil for nothing

	file   *file.Store
	shared *sharedStore
}

// OpenState opens the store that the settings name.
func OpenState(s settings.Settings, p Process) (*State, error) {
	if s.Poller.State == "" {
		return openFile(s.Poller.StateFile, p)
	}
	shared, err := openShared(s, p)
	if err != nil {
		return nil, &settings.Error{Mistakes: []error{fmt.Errorf("--state: %w", err)}}
	}
	return &State{Tasks: shared.in(members.TasksDir), Beside: shared.in(besideDir), Place: shared.objects.String(), shared: shared}, nil
}

// openFile locks the state file, then reads it. The lock is on the file that
// a link leads to, so that two names are not two agents.
func openFile(path string, p Process) (*State, error) {
	place := path
	real, doubt, err := files.Real(path)
	if err != nil {
		return nil, notMine(fmt.Errorf("state file: %w", err))
	}
	if abs, err := filepath.Abs(path); err != nil || abs != real {
		path = real // else people know it by the name they gave it
	}
	lock, err := p.Handed.lock(handedState, path+".lock")
	if err != nil {
		return nil, notMine(fmt.Errorf("state file: %w", err))
	}
	file, err := file.Open(path)
	if err != nil {
		return nil, errors.Join(err, lock.Release())
	}
	file.Writer, file.Grows = p.Agent, true
	return &State{Tasks: file, Beside: file, Place: place, Path: path, Lock: lock, Doubt: doubt, file: file}, nil
}

// Hold has a file be one that former versions read, too, as long as trial says that one of them may
// have to go on. Call it before anything is saved.
func (s *State) Hold(trial func() bool) {
	if s.file != nil {
		s.file.Held = trial
	}
}

// Prove has a store that instances share show that of many writers one wins, within 15 seconds. Unclean is what it kept of that.
// A file has its lock instead.
func (s *State) Prove(ctx context.Context) (unclean, err error) {
	if s.shared == nil {
		return nil, nil
	}
	const limit = 15 * time.Second
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	racers := make([]bucket.Objects, bucket.Racers)
	for i := range racers {
		racer, leave, err := s.shared.racer()
		if err != nil {
			return nil, err
		}
		defer leave()
		racers[i] = racer
	}
	return bucket.Probe(ctx, racers, s.shared.prefix)
}

// Inspect tells what of a store that instances share is worth knowing, for doctor.
func (s *State) Inspect(ctx context.Context) []bucket.Finding {
	if s.shared == nil {
		return nil
	}
	return s.shared.inspect(ctx, s.shared.prefix)
}

// Close gives up what is this agent's alone, and leaves a file that every kitops reads.
func (s *State) Close() error {
	if s.Lock == nil {
		return nil
	}
	if s.file.Grown() {
		if _, err := s.Lock.Renew(); err == nil { // else it is another's by now
			_ = s.file.Fold() // the file is as good as it is, and a full disk no reason to fail
		}
	}
	return s.Lock.Release()
}

// NewPoller refuses documents that are not kitops', before anything runs.
func NewPoller(ctx context.Context, state *State) (*poller.Poller, error) {
	agent := poller.New()
	agent.Store = state.Tasks
	err := agent.Load(ctx)
	if err != nil && state.shared != nil {
		return nil, err // it may be of the network
	}
	if err != nil {
		return nil, &settings.Error{Mistakes: []error{fmt.Errorf("%s: %w", state.Place, err)}}
	}
	return agent, nil
}
