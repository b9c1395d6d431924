package object

import (
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"
)

// Limits of what is checked out.
const (
	MaxDepth   = 512     // directories below each other
	MaxEntries = 1 << 20 // files and directories; the largest public repositories have half of that
)

// ReadTree reads a tree that is checked out: every name in it is safe.
func ReadTree(id plumbing.Hash, read func(plumbing.Hash) (Object, error)) ([]TreeEntry, error) {
	return readTreeAs(id, read, ParseTree)
}

// ReadPastTree reads a tree that is not checked out: git lived with odd ones.
func ReadPastTree(id plumbing.Hash, read func(plumbing.Hash) (Object, error)) ([]TreeEntry, error) {
	return readTreeAs(id, read, scanTree)
}

func readTreeAs(id plumbing.Hash, read func(plumbing.Hash) (Object, error), parse func([]byte) ([]TreeEntry, error)) ([]TreeEntry, error) {
	o, err := read(id)
	if err != nil {
		return nil, fmt.Errorf("tree %w", err)
	}
	if o.Kind != plumbing.TreeObject {
		return nil, Damaged("%s is a %s, not a tree", id, o.Kind)
	}
	entries, err := parse(o.Data)
	if err != nil {
		return nil, fmt.Errorf("tree %s: %w", id, err)
	}
	return entries, nil
}
