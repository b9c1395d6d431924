package wiring

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"

	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/store"
)

// OpenState locks the state file, then reads it. The lock is on the file that
// a link leads to, so that two names are not two agents.
func OpenState(path string) (*store.File, *store.Lock, error) {
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

// NewPoller refuses documents that are not kitops', before anything runs.
func NewPoller(ctx context.Context, path string, file *store.File) (*poller.Poller, error) {
	agent := poller.New()
	agent.Store = file
	if err := agent.Load(ctx); err != nil {
		return nil, &settings.Error{Mistakes: []error{fmt.Errorf("%s: %w", path, err)}}
	}
	return agent, nil
}
