package wiring

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/goccy/go-yaml"
	"golang.org/x/sync/errgroup"

	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/poller/store"
	"github.com/bittrance/kitops/poller/store/lease"
	"github.com/bittrance/kitops/poller/store/members"
)

// CopyState copies the memory from one place to another, and says how many documents that were. A place is a path, or what
// --state takes. No agent may be at work on either: the error is *LockedError of package file for one, or names who has a lease. What
// is in the other place already is never touched. Stays is how many documents a file has no place for: those that instances
// have of tasks for themselves.
func CopyState(ctx context.Context, from, to string, p Process) (copied, stays int, err error) {
	if path, isFile := filePlace(from); isFile {
		if _, err := os.Stat(path); err != nil {
			return 0, 0, err // else its lock would be made
		}
	}
	source, err := openPlace(from, p)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, source.Close()) }()
	own, err := source.own(ctx)
	if err == nil {
		err = source.idle(ctx, own)
	}
	if err != nil {
		return 0, 0, err
	}
	target, err := openPlace(to, p)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	if err := target.empty(ctx); err != nil {
		return 0, 0, err
	}
	if _, err := target.Prove(ctx); err != nil {
		return 0, 0, err
	}
	if _, err := NewPoller(ctx, source); err != nil {
		return 0, 0, err // not kitops'
	}
	if target.shared == nil {
		stays, own = len(own), nil
	}
	copied, err = source.copyTo(ctx, target, own)
	return copied, stays, err
}

// copyTo writes every document as a new one.
func (s *State) copyTo(ctx context.Context, target *State, own []members.Own) (copied int, err error) {
	const atOnce = 16
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for folder, here := range s.folders() {
		keys, err := here.List(ctx, "")
		if err != nil {
			return 0, errors.Join(err, group.Wait())
		}
		copied += len(keys)
		for _, key := range keys {
			there := target.Tasks
			if folder == besideDir || isBeside(key) {
				there = target.Beside
			}
			group.Go(func() error {
				doc, err := here.Get(ctx, key)
				if err == nil {
					_, err = there.Put(ctx, key, doc.Data, "")
				}
				return err
			})
		}
	}
	for _, o := range own {
		group.Go(func() error {
			doc, err := s.shared.in(tasksDir).Sub(o.Task).Get(ctx, o.Member)
			if err == nil {
				_, err = target.shared.in(tasksDir).Sub(o.Task).Put(ctx, o.Member, doc.Data, "")
			}
			return err
		})
	}
	return copied + len(own), group.Wait()
}

// own are the documents that instances have of tasks for themselves. A file, which is of one instance, has none.
func (s *State) own(ctx context.Context) (own []members.Own, err error) {
	if s.shared == nil {
		return nil, nil
	}
	all, _, err := s.shared.in(tasksDir).All(ctx)
	for _, found := range all {
		if len(found.Folder) == 1 && found.Version != "" {
			own = append(own, members.Own{Task: found.Folder[0], Member: found.Key})
		}
	}
	return own, err
}

const (
	tasksDir  = members.TasksDir
	besideDir = "beside"
)

// folders are the stores that a memory is in: one of a file, two of a bucket.
func (s *State) folders() map[string]store.Store {
	if s.shared == nil {
		return map[string]store.Store{tasksDir: s.Tasks}
	}
	return map[string]store.Store{tasksDir: s.Tasks, besideDir: s.Beside}
}

// isBeside tells the documents of a file that are no task's.
func isBeside(key string) bool {
	return key == accountsKey || strings.HasPrefix(key, deliveriesKey)
}

func openPlace(place string, p Process) (*State, error) {
	s := settings.Settings{Config: settings.DefaultConfig()}
	path, isFile := filePlace(place)
	if isFile {
		s.Poller.StateFile = path
	} else {
		s.Poller.State = place
	}
	return OpenState(s, p)
}

func filePlace(place string) (path string, isFile bool) {
	if path, isFile = strings.CutPrefix(place, "file:"); isFile {
		return path, true
	}
	return place, !strings.Contains(place, "://")
}

// idle is an error while an instance has a lease on anything in a shared store. A file has its lock.
func (s *State) idle(ctx context.Context, own []members.Own) error {
	if s.shared == nil {
		return nil
	}
	view, err := members.Look(ctx, s.shared.root(), s.shared.terms.TTL, s.shared.log)
	if err != nil {
		return err
	}
	if recent := view.Live; len(recent) > 0 {
		return fmt.Errorf("%s is in use by %s: stop every instance", s.Place, recent[0].Owner)
	}
	keys, err := s.Tasks.List(ctx, "")
	if err != nil {
		return err
	}
	for _, key := range keys {
		if err := s.unheld(ctx, s.Tasks, key); err != nil {
			return err
		}
	}
	for _, o := range own {
		if err := s.unheld(ctx, s.shared.in(tasksDir).Sub(o.Task), o.Member); err != nil {
			return err
		}
	}
	return nil
}

// unheld is an error while an instance has the lease on a document.
func (s *State) unheld(ctx context.Context, in store.Store, key string) error {
	doc, err := in.Get(ctx, key)
	if err != nil {
		return err
	}
	var held struct {
		Lease lease.Lease `yaml:"lease"`
	}
	if err := yaml.Unmarshal(doc.Data, &held); err != nil {
		return fmt.Errorf("%s: %w", key, err)
	}
	if !held.Lease.Ended(doc.Now) {
		return fmt.Errorf("%s is in use by %s: stop every instance, or wait until %s", s.Place, held.Lease.Owner, held.Lease.Expires.UTC().Format("15:04:05"))
	}
	return nil
}

// empty is an error where there is a memory already.
func (s *State) empty(ctx context.Context) error {
	for _, folder := range s.folders() {
		keys, err := folder.List(ctx, "")
		if err != nil {
			return err
		}
		if len(keys) > 0 {
			return fmt.Errorf("%s has a memory already, of %s: copy to an empty place", s.Place, keys[0])
		}
	}
	own, err := s.own(ctx)
	if err == nil && len(own) > 0 {
		err = fmt.Errorf("%s has a memory already, of %s on %s: copy to an empty place", s.Place, own[0].Task, own[0].Member)
	}
	return err
}
