package poller

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/store"
)

// State is what a task remembers between looks and between executions: one
// document in the store. A State is a value; update makes a new one.
type State struct {
	URL        string              `yaml:"url"`
	First      string              `yaml:"current_sha,omitempty"` // of the first kitops: what was applied last, at a ref that it did not name
	Patterns   git.Patterns        `yaml:"patterns,omitempty"`    // looked for before: what they match now has appeared since
	NextPoll   time.Time           `yaml:"next_poll,omitempty"`   // for --poll-once
	Remembered headSet             `yaml:"remembered,omitempty"`  // starting points, which are not run
	Refs       map[string]RefState `yaml:"refs,omitempty"`        // refs that had a run
	Identity   string              `yaml:"identity,omitempty"`    // what the host calls the repository, whatever its name
	Gone       time.Time           `yaml:"gone,omitempty"`        // since when the repository is not to be found any more
	ReportTo   string              `yaml:"report_to,omitempty"`   // where the last run was reported
	Unreported []Report            `yaml:"unreported,omitempty"`  // what somebody has yet to hear, in order
}

// RefState is the memory of one ref that had a run.
type RefState struct {
	Applied  string         `yaml:"applied,omitempty"`  // the last revision that succeeded
	Run      *Run           `yaml:"run,omitempty"`      // the last one
	Retry    time.Time      `yaml:"retry,omitempty"`    // when Run may be tried again, unless it succeeded
	Group    *actions.Group `yaml:"group,omitempty"`    // of the action that runs
	Parked   *Parked        `yaml:"parked,omitempty"`   // its workdir
	Reported string         `yaml:"reported,omitempty"` // the final state that was told of Run's revision
}

// with returns the state with one ref changed, which is no starting point any more.
func (s State) with(ref string, change func(*RefState)) State {
	if _, there := s.Remembered[ref]; there {
		s.Remembered = maps.Clone(s.Remembered)
		delete(s.Remembered, ref)
	}
	refs := maps.Clone(s.Refs)
	if refs == nil {
		refs = map[string]RefState{}
	}
	r := refs[ref]
	change(&r)
	refs[ref] = r
	s.Refs = refs
	return s
}

// memory is the document of one task, decoded. It is used by one goroutine.
type memory struct {
	store   store.Store
	key     string
	state   State
	version string // of the document that state was decoded from; "" is none
}

// load reads the document, and decodes it only when it is another than before.
func (m *memory) load(ctx context.Context) (State, error) {
	doc, err := m.store.Get(ctx, m.key)
	if errors.Is(err, fs.ErrNotExist) {
		m.state, m.version = State{}, ""
		return m.state, nil
	}
	if err != nil {
		return State{}, fmt.Errorf("read state: %w", err)
	}
	if doc.Version != m.version {
		var state State
		if err := yaml.Unmarshal(doc.Data, &state); err != nil {
			return State{}, fmt.Errorf("state of task %q: %w", m.key, err)
		}
		m.state, m.version = state, doc.Version
	}
	return m.state, nil
}

// save is read-modify-write: the change is made to what the store has now.
// It is not cut short by the end of ctx, since what happened has happened.
func (m *memory) save(ctx context.Context, change func(State) State) error {
	ctx = context.WithoutCancel(ctx)
	for {
		state, err := m.load(ctx)
		if err != nil {
			return err
		}
		state = change(state)
		data, err := yaml.Marshal(state)
		if err != nil {
			return fmt.Errorf("encode state of task %q: %w", m.key, err)
		}
		version, err := m.store.Put(ctx, m.key, data, m.version)
		if errors.Is(err, store.ErrConflict) {
			continue
		}
		if err != nil {
			return fmt.Errorf("save state: %w", err)
		}
		m.state, m.version = state, version
		return nil
	}
}

// drop deletes the document, unless somebody else has one there by now.
func (m *memory) drop(ctx context.Context) error {
	if _, err := m.load(ctx); err != nil || m.version == "" {
		return err
	}
	return m.dropLoaded(ctx)
}

// dropLoaded deletes the document as it was loaded, and leaves a newer one.
func (m *memory) dropLoaded(ctx context.Context) error {
	_, err := m.store.Put(context.WithoutCancel(ctx), m.key, nil, m.version)
	if err != nil && !errors.Is(err, store.ErrConflict) {
		return fmt.Errorf("forget state of task %q: %w", m.key, err)
	}
	m.version = ""
	return nil
}

// states reads the memory of every task, also of those that are gone.
func states(ctx context.Context, s store.Store) (map[string]State, error) {
	keys, err := s.List(ctx, "")
	if err != nil {
		return nil, fmt.Errorf("read state: %w", err)
	}
	all := make(map[string]State, len(keys)) // never nil: see Load
	var errs []error
	for _, key := range keys {
		m := memory{store: s, key: key}
		state, err := m.load(ctx)
		errs = append(errs, err)
		all[key] = state
	}
	return all, errors.Join(errs...)
}

// pausing tells whether the last run has yet to wait for its next try. A retry
// that is further away than its own pause was planned by a clock that has since
// been put back.
func (r RefState) pausing(now time.Time) bool {
	planned := r.Run.Finished
	if planned.IsZero() {
		planned = r.Run.Started
	}
	return ahead(r.Retry, now, r.Retry.Sub(planned))
}

func (r RefState) unfinished() bool { return r.Run != nil && r.Run.Outcome == Pending }

// stop ends what an unfinished run left running.
func (r RefState) stop(ctx context.Context, kill <-chan struct{}) error {
	var group actions.Group
	if r.Group != nil {
		group = *r.Group
	}
	return group.Stop(ctx, r.Run.ID, kill)
}
