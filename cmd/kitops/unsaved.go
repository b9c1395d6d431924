package main

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/bittrance/kitops/poller"
)

// unsaved knows the runs whose outcome is not saved: a run is heard to have
// finished only after that. Safe for concurrent use.
type unsaved struct {
	mu   sync.Mutex
	runs map[string]string // id → task
}

// observe is the poller's observer.
func (u *unsaved) observe(e poller.Event) {
	u.mu.Lock()
	defer u.mu.Unlock()
	switch e.Kind {
	case poller.Started:
		if u.runs == nil {
			u.runs = map[string]string{}
		}
		u.runs[e.Run.ID] = e.Task
	case poller.Finished:
		delete(u.runs, e.Run.ID)
	}
}

// err names the runs, nil if there are none. Call it when the agent has ended.
func (u *unsaved) err() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	var errs []error
	for _, id := range slices.Sorted(maps.Keys(u.runs)) {
		errs = append(errs, fmt.Errorf("%s: the outcome of run %s could not be saved: it counts as cut off, and will run again", u.runs[id], id))
	}
	return errors.Join(errs...)
}
