package git

import (
	"context"
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"
)

const maxCommits = 1 << 23 // of a history; the largest public ones have a fifth of that

// ancestry is a walk through the history of some commits, the nearest first,
// each once however many ways lead to it.
type ancestry struct {
	read  func(plumbing.Hash) (object, error)
	depth int                      // commits on every way; FullHistory: all
	cut   map[plumbing.Hash]bool   // those whose parents are not here
	known func(plumbing.Hash) bool // complete, and all below it as well; nil: none is

	commits []ancestor
	at      map[plumbing.Hash]int32
	ends    []plumbing.Hash // they have parents, which are no part of it
	short   bool            // the walk ended nearer than depth somewhere
}

// ancestor is a commit of a walk.
type ancestor struct {
	id, tree plumbing.Hash
	first    int32 // its first parent; -1: no part of the walk
	known    bool
}

// walk fails where a commit is missing that the walk must come by. A full walk
// does not go below what is known.
func (a *ancestry) walk(ctx context.Context, from ...plumbing.Hash) error {
	a.at = map[plumbing.Hash]int32{}
	for _, id := range from {
		a.enter(id)
	}
	for i, level := 0, 1; i < len(a.commits); level++ {
		for next := len(a.commits); i < next; i++ {
			if err := ctx.Err(); err != nil {
				return err
			}
			if len(a.commits) > maxCommits {
				return fmt.Errorf("the history has more than %d commits", maxCommits)
			}
			if err := a.visit(i, level); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *ancestry) visit(i, level int) error {
	id := a.commits[i].id
	o, err := a.read(id)
	if err != nil {
		return fmt.Errorf("commit %w", err)
	}
	c, err := parseCommit(id, o)
	if err != nil {
		return err
	}
	a.commits[i].tree = c.tree
	a.commits[i].known = a.known != nil && a.known(id)
	if a.commits[i].known && a.depth == FullHistory || len(c.parents) == 0 {
		return nil
	}
	if level == a.depth || a.cut[id] {
		a.ends = append(a.ends, id)
		a.short = a.short || level != a.depth
		return nil
	}
	for n, parent := range c.parents {
		at := a.enter(parent)
		if n == 0 {
			a.commits[i].first = at
		}
	}
	return nil
}

func (a *ancestry) enter(id plumbing.Hash) int32 {
	at, known := a.at[id]
	if !known {
		at = int32(len(a.commits))
		a.at[id] = at
		a.commits = append(a.commits, ancestor{id: id, first: -1})
	}
	return at
}

func (a *ancestry) has(id plumbing.Hash) bool {
	_, ok := a.at[id]
	return ok
}

// check sees that the trees of all commits are here, blobs included, comparing
// each with one that was found complete: its parent's where that can be.
// complete may be zero. The first commit's tree must also be fit to check out.
func (a *ancestry) check(ctx context.Context, complete plumbing.Hash, has func(plumbing.Hash) bool) error {
	visit := func(e treeEntry) error {
		if !has(e.id) {
			return fmt.Errorf("blob %w", missing(e.id))
		}
		return nil
	}
	past := comparison{read: a.read, visit: visit, lenient: true, whole: map[plumbing.Hash]bool{}}
	checked := make([]bool, len(a.commits))
	for i := len(a.commits) - 1; i >= 0; i-- {
		c := a.commits[i]
		base := complete
		if c.first >= 0 && checked[c.first] {
			base = a.commits[c.first].tree
		}
		var err error
		switch {
		case i == 0:
			err = (&comparison{read: a.read, visit: visit}).walk(ctx, base, c.tree, 0)
		case !c.known:
			err = past.walk(ctx, base, c.tree, 0)
		}
		if err != nil {
			return fmt.Errorf("commit %s: %w", c.id, err)
		}
		checked[i], complete = true, c.tree
	}
	return nil
}
