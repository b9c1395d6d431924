package wiring

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/goccy/go-yaml"

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
		return nil, errors.Join(former(path, err), lock.Release())
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

// former says of a state file of the first kitops what it is. That one kept one
// SHA for each task, without the branch, so that it cannot be gone on from.
func former(path string, err error) error {
	var format *store.FormatError
	if !errors.As(err, &format) {
		return err
	}
	data, failed := os.ReadFile(path)
	var tasks map[string]struct {
		SHA string `yaml:"current_sha"`
	}
	if failed != nil || yaml.Unmarshal(data, &tasks) != nil || len(tasks) == 0 {
		return err
	}
	for _, task := range tasks {
		if task.SHA == "" {
			return err
		}
	}
	format.Line, format.Problem = 0, "this is the state of the first kitops, which did not note the branches"
	format.Remedy = "move it away: each task then runs once on the revision that is there"
	return err
}
