package git

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

const (
	maxPacks   = 40
	freeGrowth = 128 << 10 // bytes that packs may have beyond the largest, whatever that has
)

// tidy keeps the mirror small. What goes wrong here concerns no checkout.
func (m *Mirror) tidy(ctx context.Context) {
	err := m.rewrite(ctx)
	var doubt *damage
	if errors.As(err, &doubt) {
		err = errors.Join(err, m.wipe(ctx))
	}
	if err != nil && ctx.Err() == nil && m.Log != nil {
		m.Log.WarnContext(ctx, "mirror not tidied", "url", m.URL.String(), "err", err)
	}
}

// rewrite makes one pack of many, with what the revisions held need and
// nothing else. That is cheaper than to fetch anew: what is kept is copied from
// disk to disk, where the other way it is copied at the server, sent, inflated
// and hashed. But for a time there are two of it. Where the disk has no room for
// that, the mirror goes, and the next checkout fetches one revision.
func (m *Mirror) rewrite(ctx context.Context) error {
	if err := m.busy.lock(ctx); err != nil {
		return err
	}
	defer m.busy.unlock()
	grown, bytes, err := overgrown(m.Dir)
	if err != nil || !grown {
		return err
	}
	if err = m.room(m.Dir).take(bytes); err == nil {
		err = m.rewriteAll(ctx)
	}
	if errors.Is(err, errNoRoom) || diskFull(err) {
		return errors.Join(fmt.Errorf("thrown away, will be fetched anew: %w", err), os.RemoveAll(m.Dir))
	}
	return err
}

func (m *Mirror) rewriteAll(ctx context.Context) error {
	b, err := openBare(ctx, m.Dir)
	if err != nil {
		return err
	}
	defer b.close()
	old := slices.Clone(b.store.packs)
	kept, err := b.repack(ctx)
	if err != nil {
		return err
	}
	b.shallow = b.commits()
	if err := b.saveRefs(); err != nil {
		return err
	}
	for _, p := range old {
		if p.index.pack == kept {
			continue
		}
		_ = p.file.Close() // Windows removes no open file
		base := filepath.Join(b.packDir(), "pack-"+p.index.pack.String())
		// The index goes first: a pack without one is swept.
		if err := errors.Join(os.Remove(base+".idx"), os.Remove(base+".pack")); err != nil {
			return err
		}
	}
	return nil
}

// overgrown looks at the files only, which is cheap. It also says how many bytes
// all packs have.
func overgrown(dir string) (grown bool, all int64, err error) {
	entries, err := os.ReadDir(filepath.Join(dir, "objects", "pack"))
	if err != nil {
		return false, 0, err
	}
	var packs int
	var largest int64
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			return false, 0, err
		}
		if filepath.Ext(entry.Name()) == ".pack" {
			packs++
			largest = max(largest, info.Size())
			all += info.Size()
		}
	}
	return packs > maxPacks || all-largest > max(largest/2, freeGrowth), all, nil
}
