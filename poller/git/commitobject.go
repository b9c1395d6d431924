package git

import (
	"bytes"

	"github.com/go-git/go-git/v5/plumbing"
)

// commitObject is what a commit says of its place in the history.
type commitObject struct {
	tree    plumbing.Hash
	parents []plumbing.Hash
}

func readCommit(id plumbing.Hash, read func(plumbing.Hash) (object, error)) (commitObject, error) {
	o, err := read(id)
	if err != nil {
		return commitObject{}, err
	}
	return parseCommit(id, o)
}

// parseCommit reads the head of a commit: a tree, then the parents.
func parseCommit(id plumbing.Hash, o object) (commitObject, error) {
	var c commitObject
	if o.kind != plumbing.CommitObject {
		return c, damaged("%s is a %s, not a commit", id, o.kind)
	}
	tree, rest, ok := idLine(o.data, "tree ")
	if !ok {
		return c, damaged("commit %s has no tree", id)
	}
	c.tree = tree
	for {
		parent, after, ok := idLine(rest, "parent ")
		if !ok {
			break
		}
		c.parents, rest = append(c.parents, parent), after
	}
	if bytes.HasPrefix(rest, []byte("parent ")) {
		return c, damaged("commit %s names no parent where it should", id)
	}
	return c, nil
}

// idLine reads a line that is a word and the name of an object.
func idLine(data []byte, word string) (id plumbing.Hash, rest []byte, ok bool) {
	line, rest, found := bytes.Cut(data, []byte("\n"))
	hex, named := bytes.CutPrefix(line, []byte(word))
	if !found || !named || len(hex) != 40 {
		return id, data, false
	}
	id, ok = parseID(string(hex))
	return id, rest, ok
}
