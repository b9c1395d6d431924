package poller

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
	"golang.org/x/sync/errgroup"

	"github.com/bittrance/kitops/actions"
	"github.com/bittrance/kitops/poller/git"
	"github.com/bittrance/kitops/poller/store"
	"github.com/bittrance/kitops/poller/store/document"
	"github.com/bittrance/kitops/poller/store/lease"
)

// State is what a task remembers between looks and between executions: one
// document in the store. A State is a value; update makes a new one.
type State struct {
	URL          string              `yaml:"url"`
	First        string              `yaml:"current_sha,omitempty"`    // of the first kitops: what was applied last, at a ref that it did not name
	Patterns     git.Patterns        `yaml:"patterns,omitempty"`       // looked for before: what they match now has appeared since
	NextPoll     time.Time           `yaml:"next_poll,omitempty"`      // for --poll-once
	Remembered   headSet             `yaml:"remembered,omitempty"`     // starting points, which are not run
	Refs         map[string]RefState `yaml:"refs,omitempty"`           // refs that had a run
	Queue        map[string]queued   `yaml:"queue,omitempty"`          // by ref: revisions that are to run and have to wait
	Identity     string              `yaml:"identity,omitempty"`       // what the host calls the repository, whatever its name
	Paused       *Hold               `yaml:"paused,omitempty"`         // nothing new is run
	Gone         time.Time           `yaml:"gone,omitempty"`           // since when the repository is not to be found any more
	Holder       string              `yaml:"holder,omitempty"`         // of a group: the task that runs
	ReportTo     string              `yaml:"report_to,omitempty"`      // where the last run was reported
	DeployTo     string              `yaml:"deploy_to,omitempty"`      // where the last run was told as a deployment
	PullDeployTo string              `yaml:"pull_deploy_to,omitempty"` // the same of a pull request
	Notes        map[string]string   `yaml:"notes,omitempty"`          // of the reporter of deployments, by their place
	Unreported   []Report            `yaml:"unreported,omitempty"`     // what somebody has yet to hear, in order
	Vouched      []string            `yaml:"vouched,omitempty"`        // commits that have heard of a trusted run, where strangers have runs, too
	Heeded       []heeded            `yaml:"heeded,omitempty"`         // what people have said of pull requests
	Behind       map[string]lag      `yaml:"behind,omitempty"`         // by ref, of those that are; kept for who is notified
	Storm        *storm              `yaml:"storm,omitempty"`          // nil: the last run succeeded
	Rounds       *rounds             `yaml:"rounds,omitempty"`         // nil: the last head was pushed by others
	Lease        lease.Lease         `yaml:"lease,omitempty"`          // on this document, where instances share the store

	asked map[string]asked // by SHA: how what is required of heads stands; not remembered
}

// RefState is the memory of one ref that had a run.
type RefState struct {
	Applied   string         `yaml:"applied,omitempty"`    // the last revision that succeeded
	AppliedAt time.Time      `yaml:"applied_at,omitempty"` // when; zero for what an older kitops applied
	Run       *Run           `yaml:"run,omitempty"`        // the last one
	Retry     time.Time      `yaml:"retry,omitempty"`      // when Run may be tried again, unless it succeeded
	Group     *actions.Group `yaml:"group,omitempty"`      // of the action that runs
	Parked    *Parked        `yaml:"parked,omitempty"`     // its workdir
	Reported  string         `yaml:"reported,omitempty"`   // the final state that was told of Run's revision
	ReportAs  string         `yaml:"report_as,omitempty"`  // the task's, when Run's revision was first run
	Failing   *failing       `yaml:"failing,omitempty"`    // nil: the last run that was not cut off succeeded

	Notes map[string]string `yaml:"notes,omitempty"` // of the reporter, by where its reports went

	At         string            `yaml:"at,omitempty"`          // where a tag was when it last ran, or was refused because somebody had moved it from here
	Tags       map[string]string `yaml:"tags,omitempty"`        // of versions: the names of the tags that Applied and Former were at
	TagObjects map[string]string `yaml:"tag_objects,omitempty"` // of those of annotated tags
	Former     string            `yaml:"former,omitempty"`      // the revision that had succeeded before Applied
	Pinned     *Hold             `yaml:"pinned,omitempty"`      // at this revision, whatever the head is
	Order      *waiting          `yaml:"order,omitempty"`       // what somebody wants of it

	Paths    string    `yaml:"paths,omitempty"`    // the digest of the task's paths by which Applied was
	Unrun    bool      `yaml:"unrun,omitempty"`    // and by which it was without a run
	Traces   bool      `yaml:"traces,omitempty"`   // an action that did not succeed may have left something since Applied
	Tried    *tried    `yaml:"tried,omitempty"`    // what nothing was done after, where that has failed
	Whole    bool      `yaml:"whole,omitempty"`    // somebody has asked for a run since, whatever has changed
	Approved *approval `yaml:"approved,omitempty"` // what may run
}

// with returns the state with one ref changed, which is no starting point any more.
func (s State) with(ref string, change func(*RefState)) State {
	if _, there := s.Remembered.sha(ref); there {
		s.Remembered = s.Remembered.without(func(other string) bool { return other == ref })
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
type memory = lease.Document[State]

func newMemory(s store.Store, key string) memory {
	return memory{Store: s, Key: key, Format: lease.Format[State]{
		Decode: decodeState,
		Encode: func(s State) ([]byte, error) { return document.Marshal(s) },
		Lease:  func(s *State) *lease.Lease { return &s.Lease },
	}}
}

func decodeState(data []byte, into *State) error {
	if err := yaml.Unmarshal(data, into); err != nil {
		problem, _, _ := strings.Cut(err.Error(), "\n") // then comes the source
		return &store.FormatError{Path: "its document", Problem: problem, Remedy: "fix it, or move it away and the task begins with an empty memory"}
	}
	return nil
}

// drop deletes the document, unless somebody else has one there by now.
func drop(ctx context.Context, m *memory) error {
	if _, err := m.Load(ctx); err != nil || m.Version == "" || m.Hold != nil && m.State.URL == "" {
		return err
	}
	return m.Drop(ctx)
}

// states reads the memory of every task, also of those that are gone. Those that do not read are left out, and told apart.
func states(ctx context.Context, s store.Store) (all map[string]State, damaged map[string]error, err error) {
	found, damaged, err := memories(ctx, s)
	return statesOf(found), damaged, err
}

func statesOf(found map[string]memory) map[string]State {
	all := make(map[string]State, len(found)) // never nil: see Load
	for key, m := range found {
		all[key] = m.State
	}
	return all
}

// memories are those of states.
func memories(ctx context.Context, s store.Store) (all map[string]memory, damaged map[string]error, err error) {
	keys, err := s.List(ctx, "")
	if err != nil {
		return nil, nil, fmt.Errorf("read state: %w", err)
	}
	const together = 16 // as many as a store across a network keeps connections for
	found, errs := make([]memory, len(keys)), make([]error, len(keys))
	var group errgroup.Group
	group.SetLimit(together)
	for i, key := range keys {
		group.Go(func() error {
			found[i] = newMemory(s, key)
			_, errs[i] = found[i].Load(ctx)
			return nil
		})
	}
	_ = group.Wait()
	all, damaged = make(map[string]memory, len(keys)), map[string]error{}
	for i, key := range keys {
		switch {
		case errs[i] == nil:
			all[key] = found[i]
		case isDamaged(errs[i]):
			damaged[key] = errs[i]
		default:
			err = errors.Join(err, errs[i])
		}
	}
	return all, damaged, err
}

// isDamaged tells a memory that does not read from a store that does not answer.
func isDamaged(err error) bool {
	var format *store.FormatError
	return errors.As(err, &format)
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
