package git

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/bittrance/kitops/poller/git/changes"
	"github.com/bittrance/kitops/poller/git/disk"
	"github.com/bittrance/kitops/poller/git/mirror"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/odb"
	"github.com/bittrance/kitops/poller/git/refs"
	"github.com/bittrance/kitops/poller/git/remote"
)

const maxRoots = 16 // commits at which two histories meet: more are not looked into

// DoubtError says why it is not known what has changed.
type DoubtError struct{ Reason string }

func (e *DoubtError) Error() string { return "it is not known what has changed: " + e.Reason }

// Changes are the paths in which a revision differs from another one, by their trees. The revision is fetched as
// Checkout with the same options does, for which it is there then. since is a commit that the mirror has, or the full
// name of a branch: where the revision has left that; "" is the default branch.
//
// Where that cannot be told the error is a *[DoubtError]. Others are those of Checkout.
func (m *Mirror) Changes(ctx context.Context, rev refs.Revision, since string, o Options) (changes.List, error) {
	list, err := m.changes(ctx, rev, since, o)
	if !m.URL.Local() {
		m.tidy(ctx, m.depotFor(o))
	}
	var doubt *DoubtError
	var damage *object.Damage
	switch {
	case errors.As(err, &damage): // Checkout makes the mirror anew
		return nil, &DoubtError{err.Error()}
	case err != nil && !errors.As(err, &doubt):
		return nil, fmt.Errorf("compare %s of %s: %w", rev.SHA, m.URL, err)
	}
	return list, err
}

func (m *Mirror) changes(ctx context.Context, rev refs.Revision, since string, o Options) (changes.List, error) {
	id, ok := object.ParseID(rev.SHA)
	if !ok {
		return nil, fmt.Errorf("%q is no commit id", rev.SHA)
	}
	base, known := object.ParseID(since)
	s, commit, tree, err := m.hold(ctx, mirror.Held{Ref: rev.Ref, ID: id}, base, o)
	if err != nil {
		return nil, err
	}
	defer func() { s.Close() }()
	if !known {
		if base, err = m.mergeBase(ctx, rev.Ref, commit, cmp.Or(since, refs.Head)); err != nil {
			return nil, doubtful(err)
		}
		if _, here := s.Find(base); !here {
			b, _, _, err := m.hold(ctx, mirror.Held{ID: base}, object.ID{}, o)
			if err != nil {
				return nil, doubtful(err)
			}
			s.Close()
			s = b
		}
	}
	read := s.Reader().Read
	_, before, err := object.CommitOf(ctx, base, read)
	if err != nil {
		return nil, &DoubtError{fmt.Sprintf("the mirror does not have %s any more", base)}
	}
	list, err := changes.Between(ctx, before, tree, read)
	if err != nil && ctx.Err() == nil {
		return nil, &DoubtError{err.Error()}
	}
	return list, err
}

// MergeBase is where a revision has left a branch, given by its full name. The revision is fetched as Checkout with the same
// options does. Its errors are those of [Mirror.Changes].
func (m *Mirror) MergeBase(ctx context.Context, rev refs.Revision, branch string, o Options) (string, error) {
	base, err := func() (object.ID, error) {
		id, ok := object.ParseID(rev.SHA)
		if !ok {
			return id, fmt.Errorf("%q is no commit id", rev.SHA)
		}
		s, commit, _, err := m.hold(ctx, mirror.Held{Ref: rev.Ref, ID: id}, object.ID{}, o)
		if err != nil {
			return id, err
		}
		defer s.Close()
		base, err := m.mergeBase(ctx, rev.Ref, commit, branch)
		if err != nil {
			return id, doubtful(err)
		}
		return base, nil
	}()
	if !m.URL.Local() {
		m.tidy(ctx, m.depot(o.depth()))
	}
	var doubt *DoubtError
	if err != nil && !errors.As(err, &doubt) {
		err = fmt.Errorf("find where %s has left %s: %w", rev.SHA, branch, err)
	}
	return base.String(), err
}

// doubtful is an error on the way to what a revision is compared with. What it says of a revision is said of another one,
// and what is too much to look into stays so.
func doubtful(err error) error {
	for _, lasting := range []error{remote.ErrMoved, remote.ErrEmpty, disk.ErrTooMuch, errTooLong} {
		if errors.Is(err, lasting) {
			return &DoubtError{err.Error()}
		}
	}
	return err
}

// hold opens what has a revision, fetched if need be, and finds its commit and tree. A base that is there stays there.
func (m *Mirror) hold(ctx context.Context, rev mirror.Held, base object.ID, o Options) (s *odb.Store, commit, tree object.ID, err error) {
	c := &checkout{Mirror: m, Options: o, progress: disk.ProgressOf(ctx), kept: m.depotFor(o), rev: rev, base: base}
	if s, _, err = c.reach(ctx, ""); err != nil {
		return nil, commit, tree, err
	}
	if commit, tree, err = object.CommitOf(ctx, rev.ID, s.Reader().Read); err != nil {
		s.Close()
		return nil, commit, tree, err
	}
	return s, commit, tree, nil
}

// mergeBase is where a commit of a ref has left a branch.
func (m *Mirror) mergeBase(ctx context.Context, ref string, commit object.ID, branch string) (object.ID, error) {
	heads, err := m.Heads(ctx, refs.Patterns{branch})
	switch {
	case err != nil:
		return object.ID{}, err
	case len(heads) == 0 || branch != refs.Head && heads[0].Ref != branch:
		return object.ID{}, &DoubtError{"there is no " + branch}
	case heads[0].Ref == ref:
		return object.ID{}, &DoubtError{"it is the default branch, and nothing of it was applied"}
	}
	head, _ := object.ParseID(heads[0].SHA)
	l, err := m.beyond(ctx, commit, head)
	switch {
	case err != nil:
		return object.ID{}, err
	case len(l.own) == 0:
		return commit, nil
	case len(l.roots) == 0 || len(l.roots) > maxRoots:
		return object.ID{}, &DoubtError{fmt.Sprintf("the histories of %s and %s meet at %d commits", ref, heads[0].Ref, len(l.roots))}
	}
	return m.newest(ctx, mirror.Sorted(l.roots))
}

// newest is the one of some commits whose history has the others, as where a branch took in the default branch later on.
func (m *Mirror) newest(ctx context.Context, all []object.ID) (object.ID, error) {
	best := all[0]
	for _, id := range all[1:] {
		newer, err := m.beyond(ctx, id, best)
		if err != nil {
			return best, err
		}
		if newer.roots[best] {
			best = id
			continue
		}
		if older, err := m.beyond(ctx, best, id); err != nil || !older.roots[id] {
			return best, cmp.Or[error](err, &DoubtError{"more than one commit is the merge base"})
		}
	}
	return best, nil
}
