package ancestry

import (
	"context"

	"github.com/bittrance/kitops/poller/git/object"
)

// Members are commits that the history of one is known to have. They shorten
// the next search: what a history has, those that grow upon it have, too.
type Members struct {
	Of  object.ID
	Has map[object.ID]bool
}

// Search finds which of the wanted commits are in the history of another one. It
// reads no more of that than it must. Parents that has does not have are skipped:
// the history is cut there.
func (m Members) Search(ctx context.Context, of object.ID, wanted []object.ID, has func(object.ID) bool, read func(object.ID) (object.Object, error)) (Members, error) {
	found := Members{of, map[object.ID]bool{}}
	left := map[object.ID]bool{}
	for _, id := range wanted {
		if has(id) {
			left[id] = true
		}
	}
	find := func(id object.ID) {
		if left[id] {
			delete(left, id)
			found.Has[id] = true
		}
	}
	seen := map[object.ID]struct{}{of: {}}
	for todo := []object.ID{of}; len(todo) > 0; {
		id := todo[0]
		todo = todo[1:]
		find(id)
		if id == m.Of {
			for id := range m.Has {
				find(id)
			}
		}
		if len(left) == 0 {
			break
		}
		if err := ctx.Err(); err != nil {
			return m, err
		}
		c, err := object.ReadCommit(id, read)
		if err != nil {
			return m, err
		}
		for _, parent := range c.Parents {
			if _, known := seen[parent]; !known && has(parent) {
				seen[parent] = struct{}{}
				todo = append(todo, parent)
			}
		}
	}
	return found, nil
}
