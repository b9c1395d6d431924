package object

import (
	"bytes"
)

// Commit is what a commit says of its place in the history.
type Commit struct {
	Tree    ID
	Parents []ID
}

// ReadCommit reads a commit.
func ReadCommit(id ID, read func(ID) (Object, error)) (Commit, error) {
	o, err := read(id)
	if err != nil {
		return Commit{}, err
	}
	return ParseCommit(id, o)
}

// ParseCommit reads the head of a commit: a tree, then the parents.
func ParseCommit(id ID, o Object) (Commit, error) {
	var c Commit
	if o.Kind != KindCommit {
		return c, Damaged("%s is a %s, not a commit", id, o.Kind)
	}
	tree, rest, ok := idLine(o.Data, "tree ")
	if !ok || tree.format != id.format {
		return c, Damaged("commit %s has no tree", id)
	}
	c.Tree = tree
	for {
		parent, after, ok := idLine(rest, "parent ")
		if !ok {
			break
		}
		if parent.format != id.format {
			break
		}
		c.Parents, rest = append(c.Parents, parent), after
	}
	if bytes.HasPrefix(rest, []byte("parent ")) {
		return c, Damaged("commit %s names no parent where it should", id)
	}
	return c, nil
}

// idLine reads a line that is a word and the name of an object.
func idLine(data []byte, word string) (id ID, rest []byte, ok bool) {
	line, rest, found := bytes.Cut(data, []byte("\n"))
	hex, named := bytes.CutPrefix(line, []byte(word))
	if !found || !named || len(hex) != len(bytes.TrimSpace(hex)) {
		return id, data, false
	}
	id, ok = ParseID(string(hex))
	return id, rest, ok
}
