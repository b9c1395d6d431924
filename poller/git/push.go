package git

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/bittrance/kitops/poller/git/mirror"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/refs"
)

const maxPushed = 2048 // commits, as GitHub has it

// Push is what a revision brings.
type Push struct {
	Commits []Pushed // those that the history before had not, as far as the checkout has them, the newest last
	Head    Pushed   // of the revision
	Forced  bool     // its history does not have what was before
}

// Pushed is one of its commits.
type Pushed struct {
	SHA, Tree string
	object.Text
}

func pushed(c walked) Pushed {
	return Pushed{SHA: c.id.String(), Tree: c.tree.String(), Text: object.ParseText(c.data)}
}

// Push tells what a revision brings since another one, "" for none. The revision is fetched as Checkout with the same
// options does, for which it is there then; the remote is asked whether it descends from the other one only where what
// is here does not tell.
func (m *Mirror) Push(ctx context.Context, rev refs.Revision, since string, o Options) (p Push, err error) {
	if p, err = m.push(ctx, rev, since, o); err != nil {
		return p, fmt.Errorf("tell what %s of %s brings: %w", rev.SHA, m.URL, err)
	}
	return p, nil
}

func (m *Mirror) push(ctx context.Context, rev refs.Revision, since string, o Options) (p Push, err error) {
	id, ok := object.ParseID(rev.SHA)
	if !ok {
		return p, errors.New("not a commit id")
	}
	base, known := object.ParseID(since)
	s, commit, _, err := m.hold(ctx, mirror.Held{Ref: rev.Ref, ID: id}, base, o)
	if err != nil {
		return p, err
	}
	defer s.Close()
	read := s.Reader().Read
	head := commitWalk{read: read}
	if err := head.walk(ctx, commit, func(c walked) bool { p.Head = pushed(c); return false }); err != nil {
		return p, err
	}
	if !known {
		p.Commits = []Pushed{p.Head}
		return p, nil
	}
	before := map[object.ID]bool{}
	w := commitWalk{read: read}
	if w.walk(ctx, base, func(c walked) bool { before[c.id] = true; return len(before) < maxLooked }) != nil {
		before[base] = true // nothing of it is here but its name
	}
	w, met := commitWalk{read: read, known: before}, false
	err = w.walk(ctx, commit, func(c walked) bool {
		met = met || slices.Contains(c.parents, base)
		p.Commits = append(p.Commits, pushed(c))
		return len(p.Commits) < maxPushed
	})
	if err != nil {
		return p, err
	}
	slices.Reverse(p.Commits)
	if met || commit == base {
		return p, nil
	}
	l, err := m.beyond(ctx, commit, base)
	if err != nil {
		return p, fmt.Errorf("find out whether it descends from %s: %w", since, err)
	}
	p.Forced = !l.roots[base]
	p.Commits = slices.DeleteFunc(p.Commits, func(c Pushed) bool {
		id, _ := object.ParseID(c.SHA)
		return !l.own[id]
	})
	return p, nil
}
