package mirror

import (
	"context"
	"maps"
	"slices"

	"github.com/bittrance/kitops/poller/git/ancestry"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/odb"
	"github.com/bittrance/kitops/poller/git/remote"
)

const (
	offeredHeads = 16  // whose ancestors a server is told of
	offeredSteps = 256 // how far back those are
)

// connected checks that all of a revision is there, down to where its history
// is cut. It gives all commits of the repository that are without parents.
func (b *Bare) connected(ctx context.Context, whole *odb.Store, rev Held, told []object.ID) (Held, []object.ID, error) {
	r := whole.Reader()
	var err error
	if rev.Commit, _, err = object.CommitOf(ctx, rev.ID, r.Read); err != nil {
		return rev, nil, err
	}
	cut, err := b.cuts(whole, append(b.Shallow[:len(b.Shallow):len(b.Shallow)], told...))
	if err != nil {
		return rev, nil, err
	}
	a := &ancestry.Ancestry{Read: r.Read, Depth: b.Depth, Cut: cut, Known: b.Store.Has}
	if err := a.Walk(ctx, rev.Commit); err != nil {
		return rev, nil, err
	}
	var complete object.ID
	if len(b.Held) > 0 {
		if _, complete, err = object.CommitOf(ctx, b.Held[0].Commit, r.Read); err != nil {
			return rev, nil, err
		}
	}
	has := whole.Has
	if b.Partial {
		has = func(object.ID) bool { return true } // whoever needs a blob fetches it
	}
	if err := a.Check(ctx, complete, has); err != nil {
		return rev, nil, err
	}
	ends, err := b.cuts(whole, append(a.Ends, rev.Commit))
	if err != nil {
		return rev, nil, err
	}
	maps.Copy(cut, ends)
	return rev, Sorted(cut), nil
}

// Sorted are the keys of a set.
func Sorted(set map[object.ID]bool) []object.ID {
	return slices.SortedFunc(maps.Keys(set), func(a, b object.ID) int { return a.Compare(b) })
}

// cuts are those of some commits that are here without all their parents. With
// a depth of one commit that is all of them, and nobody looks.
func (b *Bare) cuts(s *odb.Store, candidates []object.ID) (map[object.ID]bool, error) {
	cut := map[object.ID]bool{}
	r := s.Reader()
	for _, id := range candidates {
		switch {
		case cut[id]:
		case b.Depth == 1:
			cut[id] = true
		case s.Has(id):
			c, err := object.ReadCommit(id, r.Read)
			if err != nil {
				return nil, err
			}
			if slices.ContainsFunc(c.Parents, func(p object.ID) bool { return !s.Has(p) }) {
				cut[id] = true
			}
		}
	}
	return cut, nil
}

// Complete says whether a revision is here with all that belongs to it, be it
// as part of the history of others.
func (b *Bare) Complete(ctx context.Context, rev Held) (Held, bool, error) {
	i := slices.IndexFunc(b.Held, func(h Held) bool { return h.ID == rev.ID })
	if i >= 0 {
		rev.Commit = b.Held[i].Commit
		return rev, true, nil
	}
	if b.Depth == 1 || !b.Store.Has(rev.ID) {
		return rev, false, nil
	}
	a, err := b.History(ctx, rev)
	if err != nil || a.Short {
		return rev, false, err
	}
	rev.Commit = a.Commits[0].ID
	return rev, true, b.hold(rev)
}

// History walks that of a revision which is here. It ends where the depth does.
func (b *Bare) History(ctx context.Context, rev Held) (*ancestry.Ancestry, error) {
	r := b.Store.Reader()
	commit, _, err := object.CommitOf(ctx, rev.ID, r.Read)
	if err != nil {
		return nil, err
	}
	cut, err := b.cuts(b.Store, b.Shallow)
	if err != nil {
		return nil, err
	}
	a := &ancestry.Ancestry{Read: r.Read, Depth: b.Depth, Cut: cut}
	if b.Depth == ancestry.FullHistory {
		a.Known = b.Store.Has // nothing gets in there that is not complete
	}
	return a, a.Walk(ctx, commit)
}

// Wish asks for a revision upon what is here. A server may have forgotten the
// head of a branch that was pushed over and still know what it grew upon.
func (b *Bare) Wish(rev Held) (remote.FetchRequest, error) {
	w := remote.FetchRequest{Want: []object.ID{rev.ID}, Have: b.Commits(), Shallow: b.Shallow, Depth: b.Depth}
	if b.Depth == 1 {
		w.Shallow = w.Have
		return w, nil
	}
	r := b.Store.Reader()
	for _, id := range slices.Clone(w.Have[:min(len(w.Have), offeredHeads)]) {
		for step := 1; step <= offeredSteps; step++ {
			c, err := object.ReadCommit(id, r.Read)
			if err != nil {
				return w, err
			}
			if len(c.Parents) == 0 || !b.Store.Has(c.Parents[0]) || slices.Contains(b.Shallow, id) {
				break
			}
			id = c.Parents[0]
			if step&(step-1) == 0 && !slices.Contains(w.Have, id) {
				w.Have = append(w.Have, id)
			}
		}
	}
	return w, nil
}
