package git

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/bittrance/kitops/poller/git/ancestry"
	"github.com/bittrance/kitops/poller/git/local"
	"github.com/bittrance/kitops/poller/git/mirror"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/odb"
	"github.com/bittrance/kitops/poller/git/remote"
)

const (
	onlyCommits = "tree:0"
	maxLineage  = 256 << 20 // bytes that a server without filters may send of what is not asked for
	maxBeyond   = 1 << 20   // commits
)

// errTooLong says that more commits than that are beyond the other ones.
var errTooLong = fmt.Errorf("the history has more than %d commits beyond the other one", maxBeyond)

// errRead ends the taking in of a pack when all was read that is wanted of it.
var errRead = errors.New("read")

// lineage is what the history of a commit has beyond that of another one.
type lineage struct {
	own   map[object.ID]bool // the commits
	roots map[object.ID]bool // their parents that are in the other history, too
}

// beyond finds out what the history of a commit has that another one's has not. The remote is asked for these commits
// alone, and nothing of them is kept: a mirror has no history, and would need all of it.
func (m *Mirror) beyond(ctx context.Context, of, without object.ID) (lineage, error) {
	l := lineage{own: map[object.ID]bool{}, roots: map[object.ID]bool{}}
	if of == without {
		return l, nil
	}
	if m.URL.Local() {
		return l, m.localBeyond(ctx, &l, of, without)
	}
	w := remote.FetchRequest{Want: []object.ID{of}, Have: []object.ID{without}, Depth: ancestry.FullHistory}
	return l, m.commits(ctx, w, func(s *odb.Store) error { return l.walk(ctx, of, s.Has, s.Reader().Read) })
}

// commits asks the remote for commits and tags alone, has them read, and throws them away.
func (m *Mirror) commits(ctx context.Context, w remote.FetchRequest, read func(*odb.Store) error) error {
	if m.URL.Local() {
		repo, err := local.Open(m.URL.Path)
		if err != nil {
			return err
		}
		s, err := repo.Store(ctx, w.Want[0])
		if err != nil {
			return err
		}
		defer s.Close()
		return read(s)
	}
	if err := os.MkdirAll(filepath.Dir(m.Dir), 0o700); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(filepath.Dir(m.Dir), filepath.Base(m.Dir)+".commits-*") // what a kill leaves goes with the next start
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	w.Alone, w.Filter = true, onlyCommits
	w.Local = remote.Local{Has: func(object.ID) bool { return false }, Dir: dir, Limit: maxLineage, Room: m.room(dir).Reader}
	return m.access().ConverseKnown(ctx, func(r *remote.Remote) error {
		d, err := r.Fetch(ctx, w)
		if err != nil {
			return err
		}
		defer func() { _ = d.Close() }()
		return m.readCommits(ctx, d, dir, w.Want[0].Format(), read)
	})
}

// readCommits reads what is in a pack, which goes to a directory for itself.
func (m *Mirror) readCommits(ctx context.Context, d *remote.FetchResponse, dir string, f object.Format, read func(*odb.Store) error) error {
	b, err := mirror.Open(ctx, dir, ancestry.FullHistory, f)
	if err != nil {
		return err
	}
	defer b.Close()
	d.Reader = m.room(dir).Reader(d.Reader)
	err = b.TakeIn(ctx, d, min(maxLineage, m.maxSize()), nil, func(s *odb.Store) ([]object.ID, error) {
		return nil, cmp.Or(read(s), errRead)
	})
	if errors.Is(err, errRead) {
		return nil
	}
	return err
}

// walk goes from a commit to its parents as long as they belong to its own history.
func (l *lineage) walk(ctx context.Context, from object.ID, own func(object.ID) bool, read func(object.ID) (object.Object, error)) error {
	if !own(from) {
		l.roots[from] = true
		return nil
	}
	l.own[from] = true
	for todo := []object.ID{from}; len(todo) > 0; {
		if err := ctx.Err(); err != nil {
			return err
		}
		c, err := object.ReadCommit(todo[0], read)
		if err != nil {
			return err
		}
		todo = todo[1:]
		for _, parent := range c.Parents {
			switch {
			case !own(parent):
				l.roots[parent] = true
			case !l.own[parent]:
				l.own[parent] = true
				todo = append(todo, parent)
			}
		}
		if len(l.own) > maxBeyond {
			return errTooLong
		}
	}
	return nil
}

// localBeyond is beyond for a repository of this host, which has all of it.
func (m *Mirror) localBeyond(ctx context.Context, l *lineage, of, without object.ID) error {
	repo, err := local.Open(m.URL.Path)
	if err != nil {
		return err
	}
	s, err := repo.Store(ctx, of)
	if err != nil {
		return err
	}
	defer s.Close()
	read := s.Reader().Read
	other := lineage{own: map[object.ID]bool{}, roots: map[object.ID]bool{}}
	if err := other.walk(ctx, without, s.Has, read); err != nil {
		return err
	}
	return l.walk(ctx, of, func(id object.ID) bool { return s.Has(id) && !other.own[id] }, read)
}
