package object

import (
	"context"
	"errors"
	"fmt"
)

const maxTags = 10 // of tags

// ErrNoCommit says that an object is something else, and so does not lead to a commit.
var ErrNoCommit = errors.New("not a commit")

// CommitOf finds the commit that an id leads to, and its tree.
func CommitOf(ctx context.Context, id ID, read func(ID) (Object, error)) (commit, tree ID, err error) {
	for range maxTags {
		if err := ctx.Err(); err != nil {
			return commit, tree, err
		}
		o, err := read(id)
		if err != nil {
			return commit, tree, err
		}
		field := map[Kind]string{KindCommit: "tree ", KindTag: "object "}[o.Kind]
		if field == "" {
			return commit, tree, fmt.Errorf("%s is a %s, %w", id, o.Kind, ErrNoCommit)
		}
		next, _, ok := idLine(o.Data, field)
		if !ok || next.format != id.format {
			return commit, tree, Damaged("%s %s begins with %.64q", o.Kind, id, o.Data)
		}
		if o.Kind == KindCommit {
			return id, next, nil
		}
		id = next
	}
	return commit, tree, fmt.Errorf("tags of tags without an end at %s", id)
}
