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
	if c.seen += len(entries); c.seen > object.MaxEntries && c.whole == nil {
		return fmt.Errorf("the revision has more than %d files and directories", object.MaxEntries)
	}
	before, err := c.entries(known)
	if err != nil {
		return err
	}
	for _, e := range entries {
		same := before[e.Name]
		switch {
		case e.Mode == object.ModeSubmodule, same.ID == e.ID && (same.Mode == object.ModeDir) == (e.Mode == object.ModeDir):
		case e.Mode != object.ModeDir:
			err = c.visit(e)
		case same.Mode == object.ModeDir:
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

func (c *comparison) tree(id object.ID) ([]object.TreeEntry, error) {
	if c.lenient {
		return object.ReadPastTree(id, c.read)
	}
	return object.ReadTree(id, c.read)
}

func (c *comparison) entries(tree object.ID) (map[string]object.TreeEntry, error) {
	if tree.IsZero() {
		return nil, nil //nolint:nilnil // no tree has no entries
	}
	entries, err := object.ReadPastTree(tree, c.read)
	if err != nil {
		return nil, err
	}
	named := make(map[string]object.TreeEntry, len(entries))
	for _, e := range entries {
		named[e.Name] = e
	}
	return named, nil
}
