package object

import (
	"context"
	"fmt"

	"github.com/go-git/go-git/v5/plumbing"
)

const maxTags = 10 // of tags

// CommitOf finds the commit that an id leads to, and its tree.
func CommitOf(ctx context.Context, id plumbing.Hash, read func(plumbing.Hash) (Object, error)) (commit, tree plumbing.Hash, err error) {
	for range maxTags {
		if err := ctx.Err(); err != nil {
			return commit, tree, err
		}
		o, err := read(id)
		if err != nil {
			return commit, tree, err
		}
		field := map[plumbing.ObjectType]string{plumbing.CommitObject: "tree ", plumbing.TagObject: "object "}[o.Kind]
		if field == "" {
			return commit, tree, fmt.Errorf("%s is a %s, not a commit", id, o.Kind)
		}
		next, _, ok := idLine(o.Data, field)
		if !ok {
			return commit, tree, Damaged("%s %s begins with %.64q", o.Kind, id, o.Data)
		}
		if o.Kind == plumbing.CommitObject {
			return id, next, nil
		}
		id = next
	}
	return commit, tree, fmt.Errorf("tags of tags without an end at %s", id)
}
