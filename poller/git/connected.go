package git

import (
	"bytes"
	"context"
	"maps"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
)

const (
	offeredHeads = 16  // whose ancestors a server is told of
	offeredSteps = 256 // how far back those are
)

// connected checks that all of a revision is there, down to where its history
// is cut. It gives all commits of the repository that are without parents.
func (b *bare) connected(ctx context.Context, whole *store, rev held, told []plumbing.Hash) (held, []plumbing.Hash, error) {
	r := whole.reader()
	var err error
	if rev.commit, _, err = commitOf(ctx, rev.id, r.read); err != nil {
		return rev, nil, err
	}
	cut, err := b.cuts(whole, append(b.shallow[:len(b.shallow):len(b.shallow)], told...))
	if err != nil {
		return rev, nil, err
	}
	a := &ancestry{read: r.read, depth: b.depth, cut: cut, known: b.store.has}
	if err := a.walk(ctx, rev.commit); err != nil {
		return rev, nil, err
	}
	var complete plumbing.Hash
	if len(b.held) > 0 {
		if _, complete, err = commitOf(ctx, b.held[0].commit, r.read); err != nil {
			return rev, nil, err
		}
	}
	if err := a.check(ctx, complete, whole.has); err != nil {
		return rev, nil, err
	}
	ends, err := b.cuts(whole, append(a.ends, rev.commit))
	if err != nil {
		return rev, nil, err
	}
	maps.Copy(cut, ends)
	return rev, sorted(cut), nil
}

// sorted are the keys of a set.
func sorted(set map[plumbing.Hash]bool) []plumbing.Hash {
	return slices.SortedFunc(maps.Keys(set), func(a, b plumbing.Hash) int { return bytes.Compare(a[:], b[:]) })
}

// cuts are those of some commits that are here without all their parents. With
// a depth of one commit that is all of them, and nobody looks.
func (b *bare) cuts(s *store, candidates []plumbing.Hash) (map[plumbing.Hash]bool, error) {
	cut := map[plumbing.Hash]bool{}
	r := s.reader()
	for _, id := range candidates {
		switch {
		case cut[id]:
		case b.depth == 1:
			cut[id] = true
		case s.has(id):
			c, err := readCommit(id, r.read)
			if err != nil {
				return nil, err
			}
			if slices.ContainsFunc(c.parents, func(p plumbing.Hash) bool { return !s.has(p) }) {
				cut[id] = true
			}
		}
	}
	return cut, nil
}

// complete says whether a revision is here with all that belongs to it, be it
// as part of the history of others.
func (b *bare) complete(ctx context.Context, rev held) (held, bool, error) {
	i := slices.IndexFunc(b.held, func(h held) bool { return h.id == rev.id })
	if i >= 0 {
		rev.commit = b.held[i].commit
		return rev, true, nil
	}
	if b.depth == 1 || !b.store.has(rev.id) {
		return rev, false, nil
	}
	a, err := b.history(ctx, rev)
	if err != nil || a.short {
		return rev, false, err
	}
	rev.commit = a.commits[0].id
	return rev, true, b.hold(rev)
}

// history walks that of a revision which is here. It ends where the depth does.
func (b *bare) history(ctx context.Context, rev held) (*ancestry, error) {
	r := b.store.reader()
	commit, _, err := commitOf(ctx, rev.id, r.read)
	if err != nil {
		return nil, err
	}
	cut, err := b.cuts(b.store, b.shallow)
	if err != nil {
		return nil, err
	}
	a := &ancestry{read: r.read, depth: b.depth, cut: cut}
	if b.depth == FullHistory {
		a.known = b.store.has // nothing gets in there that is not complete
	}
	return a, a.walk(ctx, commit)
}

// wish asks for a revision upon what is here. A server may have forgotten the
// head of a branch that was pushed over and still know what it grew upon.
func (b *bare) wish(rev held) (wish, error) {
	w := wish{want: []plumbing.Hash{rev.id}, have: b.commits(), shallow: b.shallow, depth: b.depth}
	if b.depth == 1 {
		w.shallow = w.have
		return w, nil
	}
	r := b.store.reader()
	for _, id := range slices.Clone(w.have[:min(len(w.have), offeredHeads)]) {
		for step := 1; step <= offeredSteps; step++ {
			c, err := readCommit(id, r.read)
			if err != nil {
				return w, err
			}
			if len(c.parents) == 0 || !b.store.has(c.parents[0]) || slices.Contains(b.shallow, id) {
				break
			}
			id = c.parents[0]
			if step&(step-1) == 0 && !slices.Contains(w.have, id) {
				w.have = append(w.have, id)
			}
		}
	}
	return w, nil
}
