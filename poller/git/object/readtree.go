package object

import (
	"fmt"
)

// Limits of what is checked out.
const (
	MaxDepth   = 512     // directories below each other
	MaxEntries = 1 << 20 // files and directories; the largest public repositories have half of that
)

// ReadTree reads a tree that is checked out: every name in it is safe.
func ReadTree(id ID, read func(ID) (Object, error)) (Tree, error) {
	return readTreeAs(id, read, ParseTree)
}

// ReadPastTree reads a tree that is not checked out: git lived with odd ones.
func ReadPastTree(id ID, read func(ID) (Object, error)) (Tree, error) {
	return readTreeAs(id, read, scanTree)
}

func readTreeAs(id ID, read func(ID) (Object, error), parse func(Format, []byte) (Tree, error)) (Tree, error) {
	o, err := read(id)
	if err != nil {
		return Tree{}, fmt.Errorf("tree %w", err)
	}
	if o.Kind != KindTree {
		return Tree{}, Damaged("%s is a %s, not a tree", id, o.Kind)
	}
	entries, err := parse(id.format, o.Data)
	if err != nil {
		return Tree{}, fmt.Errorf("tree %s: %w", id, err)
	}
	return entries, nil
}

// EmptyTree is the name of a tree that holds nothing. git knows it without
// having it, and makes no directory of it.
func EmptyTree(f Format) ID { return f.Sum([]byte("tree 0\x00")) }
