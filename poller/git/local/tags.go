package local

import (
	"context"

	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/odb"
)

// Lead finds the commits that objects lead to, which are tags or commits. For what
// leads to no commit, or is damaged, that is zero.
func (l Repository) Lead(ctx context.Context, from []object.ID) (map[object.ID]object.ID, error) {
	s, err := odb.OpenShared(l.common, l.format)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	r := s.Reader()
	led := make(map[object.ID]object.ID, len(from))
	for _, id := range from {
		commit, _, err := object.CommitOf(ctx, id, r.Read)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		if err != nil {
			commit = object.ID{}
		}
		led[id] = commit
	}
	return led, nil
}
