package git

import (
	"context"
	"errors"
	"fmt"

	"github.com/bittrance/kitops/poller/git/ancestry"
	"github.com/bittrance/kitops/poller/git/gitmodules"
	"github.com/bittrance/kitops/poller/git/mirror"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/remote"
	"github.com/bittrance/kitops/poller/git/worktree"
)

const (
	noBlobs  = "blob:none"
	maxBlobs = 16_000 // that one request asks for, which keeps it below 1 MB
)

// errNoBlob says that a server left out blobs and does not hand them out.
var errNoBlob = errors.New("the server does not give single blobs")

// filter is what a server is asked to leave out.
func (c *checkout) filter() string {
	if !c.kept.partial || c.unfiltered || c.noBlob.Load() {
		return ""
	}
	return noBlobs
}

// converse makes a conversation, which knows of filters where one is wanted.
func (c *checkout) converse(ctx context.Context, do func(*remote.Remote) error) error {
	if c.filter() != "" {
		return c.access().ConverseKnown(ctx, do)
	}
	return c.access().Converse(ctx, do)
}

// complete plans what is selected of a revision that the mirror has, and fetches the blobs that are missing for it, all by one
// request.
func (c *checkout) complete(ctx context.Context, b *mirror.Bare) error {
	c.planned = nil
	if c.Sparse == nil || c.dir == "" {
		return nil
	}
	read := b.Store.Reader().Read
	_, tree, err := object.CommitOf(ctx, c.rev.ID, read)
	if err != nil {
		return err
	}
	var known *worktree.Record
	if c.known != nil {
		known = c.known()
	}
	if c.planned, err = worktree.MakeSparsePlan(ctx, known, c.Sparse, tree, read); err != nil {
		return err
	}
	missing := missingOf(b, c.planned.Needs(gitmodules.FileName, lfsConfig))
	if len(missing) > 0 && c.hurry != nil {
		return errNotHeld
	}
	for len(missing) > 0 {
		some := missing[:min(len(missing), maxBlobs)]
		if err := c.fetchBlobs(ctx, b, some); err != nil {
			return err
		}
		missing = missing[len(some):]
	}
	return nil
}

// missingOf are those that are not there, each once.
func missingOf(b *mirror.Bare, all []object.ID) []object.ID {
	var missing []object.ID
	seen := make(map[object.ID]bool, len(all))
	for _, id := range all {
		if !seen[id] && !b.Store.Has(id) {
			missing = append(missing, id)
		}
		seen[id] = true
	}
	return missing
}

func (c *checkout) fetchBlobs(ctx context.Context, b *mirror.Bare, blobs []object.ID) error {
	w := remote.FetchRequest{Want: blobs, Depth: ancestry.FullHistory, Alone: true}
	err := c.access().Converse(ctx, func(r *remote.Remote) error {
		return c.ask(ctx, r, b, w, func(d *remote.FetchResponse) error { return b.ReceiveBlobs(ctx, d, blobs, c.maxSize()) })
	})
	if errors.Is(err, remote.ErrMoved) {
		return fmt.Errorf("fetch %d blobs: %w", len(blobs), errNoBlob)
	}
	return err
}

// noticeFilter says what it costs that a server leaves nothing out.
func (c *checkout) noticeFilter(ctx context.Context, d *remote.FetchResponse) {
	if c.filter() != "" && !d.Filtered {
		c.warnOnce(ctx, "the server has no partial clone (protocol version 2 with uploadpack.allowFilter): all of the revision is fetched, though git.sparse checks out less")
	}
}

// noticeSelection says, once for each list, that it names what is not there.
func (c *checkout) noticeSelection(ctx context.Context, p *worktree.Plan) {
	if c.Sparse == nil || c.Log == nil {
		return
	}
	missing := p.Unselected()
	nothing := len(p.Files) == 0
	if len(missing) == 0 && !nothing {
		return
	}
	if _, said := c.told.LoadOrStore(fmt.Sprintf("git.sparse %q", c.Sparse.Entries()), true); said {
		return
	}
	log := c.Log.With("url", c.URL.String(), "sha", c.rev.ID.String())
	if nothing {
		log.WarnContext(ctx, "git.sparse selects no file of this revision", "entries", c.Sparse.Entries())
	} else {
		log.WarnContext(ctx, "git.sparse names directories that this revision does not have", "missing", missing)
	}
}
