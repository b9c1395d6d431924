package ancestry

import (
	"context"
	"fmt"

	"github.com/bittrance/kitops/poller/git/object"
)

const maxCommits = 1 << 23 // of a history; the largest public ones have a fifth of that

// Ancestry is a walk through the history of some commits, the nearest first,
// each once however many ways lead to it.
type Ancestry struct {
	Read  func(object.ID) (object.Object, error)
	Depth int                  // commits on every way; FullHistory: all
	Cut   map[object.ID]bool   // those whose parents are not here
	Known func(object.ID) bool // complete, and all below it as well; nil: none is

	Commits []ancestor
	at      map[object.ID]int32
	Ends    []object.ID // they have parents, which are no part of it
	Short   bool        // the walk ended nearer than depth somewhere
}

// ancestor is a commit of a walk.
type ancestor struct {
	ID, Tree object.ID
	first    int32 // its first parent; -1: no part of the walk
	known    bool
}

// Walk fails where a commit is missing that the walk must come by. A full walk
// does not go below what is known.
func (a *Ancestry) Walk(ctx context.Context, from ...object.ID) error {
	a.at = map[object.ID]int32{}
	for _, id := range from {
		a.enter(id)
	}
	for i, level := 0, 1; i < len(a.Commits); level++ {
		for next := len(a.Commits); i < next; i++ {
			if err := ctx.Err(); err != nil {
				return err
			}
			if len(a.Commits) > maxCommits {
				return fmt.Errorf("the history has more than %d commits", maxCommits)
			}
			if err := a.visit(i, level); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *Ancestry) visit(i, level int) error {
	id := a.Commits[i].ID
	o, err := a.Read(id)
	if err != nil {
		return fmt.Errorf("commit %w", err)
	}
	c, err := object.ParseCommit(id, o)
	if err != nil {
		return err
	}
	a.Commits[i].Tree = c.Tree
	a.Commits[i].known = a.Known != nil && a.Known(id)
	if a.Commits[i].known && a.Depth == FullHistory || len(c.Parents) == 0 {
		return nil
	}
	if level == a.Depth || a.Cut[id] {
		a.Ends = append(a.Ends, id)
		a.Short = a.Short || level != a.Depth
		return nil
	}
	for n, parent := range c.Parents {
		at := a.enter(parent)
		if n == 0 {
			a.Commits[i].first = at
		}
	}
	return nil
}

func (a *Ancestry) enter(id object.ID) int32 {
	at, known := a.at[id]
	if !known {
		at = int32(len(a.Commits))
		a.at[id] = at
		a.Commits = append(a.Commits, ancestor{ID: id, first: -1})
	}
	return at
}

// Has says whether a commit was walked.
func (a *Ancestry) Has(id object.ID) bool {
	_, ok := a.at[id]
	return ok
}

// Check sees that the trees of all commits are here, blobs included, comparing
// each with one that was found complete: its parent's where that can be.
// complete may be zero. The first commit's tree must also be fit to check out.
func (a *Ancestry) Check(ctx context.Context, complete object.ID, has func(object.ID) bool) error {
	visit := func(e object.TreeEntry) error {
		if !has(e.ID) {
			return fmt.Errorf("blob %w", object.Missing(e.ID))
		}
		return nil
	}
	past := comparison{read: a.Read, visit: visit, lenient: true, whole: map[object.ID]bool{}}
	checked := make([]bool, len(a.Commits))
	for i := len(a.Commits) - 1; i >= 0; i-- {
		c := a.Commits[i]
		base := complete
		if c.first >= 0 && checked[c.first] {
			base = a.Commits[c.first].Tree
		}
		var err error
		switch {
		case i == 0:
			err = (&comparison{read: a.Read, visit: visit}).walk(ctx, base, c.Tree, 0)
		case !c.known:
			err = past.walk(ctx, base, c.Tree, 0)
		}
		if err != nil {
			return fmt.Errorf("commit %s: %w", c.ID, err)
		}
		checked[i], complete = true, c.Tree
	}
	return nil
}
