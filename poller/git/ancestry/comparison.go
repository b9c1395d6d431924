package ancestry

import (
	"context"
	"fmt"

	"github.com/bittrance/kitops/poller/git/object"
)

// comparison visits the files of a tree that a known one does not have in the
// same place.
type comparison struct {
	read  func(object.ID) (object.Object, error)
	visit func(object.TreeEntry) error
	seen  int // entries

	lenient bool               // names that no checkout may have do no harm
	whole   map[object.ID]bool // trees that were gone through; nil: not noted, and entries are limited
}

// walk compares two trees. The known one may be zero.
func (c *comparison) walk(ctx context.Context, known, tree object.ID, depth int) error {
	if known == tree || c.whole[tree] {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if depth > object.MaxDepth {
		return fmt.Errorf("directories nested deeper than %d", object.MaxDepth)
	}
	entries, err := c.tree(tree)
	if err != nil {
		return err
	}
	if c.seen += entries.Len; c.seen > object.MaxEntries && c.whole == nil {
		return fmt.Errorf("the revision has more than %d files and directories", object.MaxEntries)
	}
	var before object.Tree
	if !known.IsZero() {
		if before, err = object.ReadPastTree(known, c.read); err != nil {
			return err
		}
	}
	was := before.Finder()
	for e := range entries.All() {
		same, there := was(e)
		switch {
		case e.Mode == object.ModeSubmodule, there && same.ID == e.ID:
		case e.Mode != object.ModeDir:
			err = c.visit(e)
		case there:
			err = c.walk(ctx, same.ID, e.ID, depth+1)
		default:
			err = c.walk(ctx, object.ID{}, e.ID, depth+1)
		}
		if err != nil {
			return err
		}
	}
	if c.whole != nil {
		c.whole[tree] = true
	}
	return nil
}

func (c *comparison) tree(id object.ID) (object.Tree, error) {
	if c.lenient {
		return object.ReadPastTree(id, c.read)
	}
	return object.ReadTree(id, c.read)
}
