package git

import (
	"context"
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"
)

// comparison visits the files of a tree that a known one does not have in the
// same place.
type comparison struct {
	read  func(plumbing.Hash) (object, error)
	visit func(treeEntry) error
	seen  int // entries

	lenient bool                   // names that no checkout may have do no harm
	whole   map[plumbing.Hash]bool // trees that were gone through; nil: not noted, and entries are limited
}

// walk compares two trees. The known one may be zero.
func (c *comparison) walk(ctx context.Context, known, tree plumbing.Hash, depth int) error {
	if known == tree || c.whole[tree] {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if depth > maxDepth {
		return fmt.Errorf("directories nested deeper than %d", maxDepth)
	}
	entries, err := c.tree(tree)
	if err != nil {
		return err
	}
	if c.seen += len(entries); c.seen > maxEntries && c.whole == nil {
		return fmt.Errorf("the revision has more than %d files and directories", maxEntries)
	}
	before, err := c.entries(known)
	if err != nil {
		return err
	}
	for _, e := range entries {
		same := before[e.name]
		switch {
		case e.mode == modeSubmodule, same.id == e.id && (same.mode == modeDir) == (e.mode == modeDir):
		case e.mode != modeDir:
			err = c.visit(e)
		case same.mode == modeDir:
			err = c.walk(ctx, same.id, e.id, depth+1)
		default:
			err = c.walk(ctx, plumbing.ZeroHash, e.id, depth+1)
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

func (c *comparison) tree(id plumbing.Hash) ([]treeEntry, error) {
	if c.lenient {
		return readPastTree(id, c.read)
	}
	return readTree(id, c.read)
}

func (c *comparison) entries(tree plumbing.Hash) (map[string]treeEntry, error) {
	if tree.IsZero() {
		return nil, nil //nolint:nilnil // no tree has no entries
	}
	entries, err := readPastTree(tree, c.read)
	if err != nil {
		return nil, err
	}
	named := make(map[string]treeEntry, len(entries))
	for _, e := range entries {
		named[e.name] = e
	}
	return named, nil
}
