package wiring

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/files"
	"github.com/bittrance/kitops/poller/store"
)

// State is the memory between executions, held by this agent alone.
type State struct {
	File  *store.File
	Lock  *store.Lock
	Doubt error // what speaks against its place, nil for nothing
}

// OpenState locks the state file, then reads it. The lock is on the file that
// a link leads to, so that two names are not two agents.
func OpenState(path string) (*State, error) {
	real, doubt, err := files.Real(path)
	if err != nil {
		return nil, notMine(fmt.Errorf("state file: %w", err))
	}
	if abs, err := filepath.Abs(path); err != nil || abs != real {
		path = real // else people know it by the name they gave it
	}
	lock, err := store.AcquireLock(path + ".lock")
	if err != nil {
		return nil, notMine(fmt.Errorf("state file: %w", err))
	}
	file, err := store.OpenFile(path)
	if err != nil {
		return nil, errors.Join(err, lock.Release())
	}
	return &State{file, lock, doubt}, nil
}

// NewPoller refuses documents that are not kitops', before anything runs.
func NewPoller(ctx context.Context, path string, file *store.File) (*poller.Poller, error) {
	agent := poller.New()
	agent.Store = file
	if err := agent.Load(ctx); err != nil {
		return nil, &settings.Error{Mistakes: []error{fmt.Errorf("%s: %w", path, err)}}
	}
	return agent, nil
}
