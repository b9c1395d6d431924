package git

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/bittrance/kitops/poller/git/ancestry"
	"github.com/bittrance/kitops/poller/git/disk"
	"github.com/bittrance/kitops/poller/git/mirror"
	"github.com/bittrance/kitops/poller/git/object"
)

// tidy keeps the mirror small. What goes wrong here concerns no checkout.
func (m *Mirror) tidy(ctx context.Context, d *repo) {
	err := m.rewrite(ctx, d)
	var doubt *object.Damage
	if errors.As(err, &doubt) {
		err = errors.Join(err, d.wipe(ctx))
	}
	if err != nil && ctx.Err() == nil && m.Log != nil {
		m.Log.WarnContext(ctx, "mirror not tidied", "url", m.URL.String(), "err", err)
	}
}

// rewrite makes one pack of many. That is cheaper than to fetch anew: what is
// kept is copied from disk to disk, where the other way it is copied at the
// server, sent, inflated and hashed. But for a time there are two of it. Where
// the disk has no room for that, the mirror goes, and the next checkout fetches
// what it needs.
func (m *Mirror) rewrite(ctx context.Context, d *repo) error {
	if err := d.busy.lock(ctx); err != nil {
		return err
	}
	defer d.busy.unlock()
	g, err := mirror.GrowthOf(d.dir)
	if err != nil || !g.Many && !g.Large {
		return err
	}
	if err = m.room(d.dir).Take(g.Bytes); err == nil {
		err = d.rewrite(ctx, g)
	}
	if errors.Is(err, disk.ErrNoRoom) || disk.Full(err) {
		return errors.Join(fmt.Errorf("thrown away, will be fetched anew: %w", err), os.RemoveAll(d.dir))
	}
	return err
}

func (d *repo) rewrite(ctx context.Context, g mirror.Growth) error {
	b, err := mirror.Open(ctx, d.dir, d.depth, d.format)
	if err != nil {
		return err
	}
	defer b.Close()
	b.Partial = d.partial
	if d.depth == ancestry.FullHistory && !g.Large {
		return b.GatherPacks(ctx)
	}
	return b.Rewrite(ctx, d.tagged)
}
