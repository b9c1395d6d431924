package git

import (
	"context"
	"fmt"

	"github.com/bittrance/kitops/poller/git/mirror"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/refs"
)

// Text is what a revision's commit says, which is fetched for that, as by Changes. Its errors are those of Checkout.
func (m *Mirror) Text(ctx context.Context, rev refs.Revision, o Options) (Text, error) {
	failed := func(err error) (Text, error) {
		return Text{}, fmt.Errorf("read the commit %s of %s: %w", rev.SHA, m.URL, err)
	}
	id, ok := object.ParseID(rev.SHA)
	if !ok {
		return Text{}, fmt.Errorf("%q is no commit id", rev.SHA)
	}
	s, commit, _, err := m.hold(ctx, mirror.Held{Ref: rev.Ref, ID: id}, object.ID{}, o)
	if err != nil {
		return failed(err)
	}
	defer s.Close()
	found, err := s.Reader().Read(commit)
	if err != nil {
		return failed(err)
	}
	return object.ParseText(found.Data), nil
}
