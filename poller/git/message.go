package git

import (
	"bytes"
	"context"
	"fmt"

	"github.com/bittrance/kitops/poller/git/mirror"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/refs"
)

// Message is the message of a revision's commit, which is fetched for that, as by Changes. Its errors are those of Checkout.
func (m *Mirror) Message(ctx context.Context, rev refs.Revision, o Options) (string, error) {
	failed := func(err error) (string, error) {
		return "", fmt.Errorf("read the commit %s of %s: %w", rev.SHA, m.URL, err)
	}
	id, ok := object.ParseID(rev.SHA)
	if !ok {
		return "", fmt.Errorf("%q is no commit id", rev.SHA)
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
	_, message, _ := bytes.Cut(found.Data, []byte("\n\n"))
	return string(message), nil
}
