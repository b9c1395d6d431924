package git

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

const (
	maxPacks   = 40
	obsolete   = "obsolete" // a file that lists packs
	freeGrowth = 128 << 10  // bytes that packs may have beyond the largest, whatever that has
)

// tidy keeps the mirror small. What goes wrong here concerns no checkout.
func (m *Mirror) tidy(ctx context.Context, d *depot) {
	err := m.rewrite(ctx, d)
	var doubt *damage
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
func (m *Mirror) rewrite(ctx context.Context, d *depot) error {
	if err := d.busy.lock(ctx); err != nil {
		return err
	}
	defer d.busy.unlock()
	g, err := growthOf(d.dir)
	if err != nil || !g.many && !g.large {
		return err
	}
	if err = m.room(d.dir).take(g.bytes); err == nil {
		err = d.rewrite(ctx, g)
	}
	if errors.Is(err, errNoRoom) || diskFull(err) {
		return errors.Join(fmt.Errorf("thrown away, will be fetched anew: %w", err), os.RemoveAll(d.dir))
	}
	return err
}

func (d *depot) rewrite(ctx context.Context, g growth) error {
	b, err := openBare(ctx, d.dir, d.depth)
	if err != nil {
		return err
	}
	defer b.close()
	if d.depth == FullHistory && !g.large {
		return b.gatherPacks(ctx)
	}
	return b.rewrite(ctx, d.tagged)
}

// rewrite makes one pack with what the revisions held need and nothing else.
func (b *bare) rewrite(ctx context.Context, tags []plumbing.Hash) error {
	cut, err := b.cuts(b.store, b.shallow)
	if err != nil {
		return err
	}
	a := &ancestry{read: b.store.reader().read, depth: b.depth, cut: cut}
	if err := a.walk(ctx, b.commits()...); err != nil {
		return err
	}
	for _, h := range b.held {
		tags = append(tags[:len(tags):len(tags)], h.id)
	}
	old := slices.Clone(b.store.packs)
	kept, err := b.repack(ctx, func(r *repacker) error { return r.gather(ctx, a, tags) })
	if err != nil {
		return err
	}
	// From here on what is cut with the old packs and what is cut without them both are.
	ends := a.ends
	if b.depth == 1 {
		ends = b.commits()
	}
	for id := range cut {
		if a.has(id) {
			ends = append(ends, id)
		}
	}
	if err := b.saveShallow(append(b.shallow[:len(b.shallow):len(b.shallow)], ends...)); err != nil {
		return err
	}
	if err := b.drop(old, kept); err != nil {
		return err
	}
	return b.saveShallow(ends)
}

// gatherPacks makes one pack of all but the largest, with all that they have:
// where nothing is ever cut off, that is most of what a rewrite would find.
func (b *bare) gatherPacks(ctx context.Context) error {
	old := slices.Clone(b.store.packs)
	slices.SortFunc(old, func(a, b *pack) int { return cmp.Compare(b.size, a.size) })
	old = old[1:]
	kept, err := b.repack(ctx, func(r *repacker) error {
		for _, p := range old {
			for _, e := range p.index.entries() {
				r.add(e.id)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return b.drop(old, kept)
}

// repack adds a pack of what gather finds.
func (b *bare) repack(ctx context.Context, gather func(*repacker) error) (plumbing.Hash, error) {
	path, index, sum, err := repack(ctx, b.store, b.packDir(), gather)
	if err != nil {
		return sum, err
	}
	return sum, b.adopt(path, index, sum)
}

// drop removes packs, all or none: a crash amidst must leave no commit without
// what it needs, so that the rest goes when the repository is opened again.
func (b *bare) drop(packs []*pack, kept plumbing.Hash) error {
	var names strings.Builder
	for _, p := range packs {
		if p.index.pack != kept {
			fmt.Fprintln(&names, p.index.pack)
		}
		_ = p.file.Close() // Windows removes no open file
	}
	if err := b.save(obsolete, []byte(names.String())); err != nil {
		return err
	}
	return b.finishRewrite()
}

// finishRewrite removes the packs that a rewrite made obsolete.
func (b *bare) finishRewrite() error {
	path := filepath.Join(b.dir, obsolete)
	names, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(names)) {
		sum, ok := parseID(line)
		if !ok {
			return damaged("%s holds %q", path, line)
		}
		// The index goes first: a pack without one is swept.
		for _, file := range []string{b.packName(sum) + ".idx", b.packName(sum) + ".pack"} {
			if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return os.Remove(path)
}

// growth is how much there is of a repository.
type growth struct {
	many, large bool  // too many packs, too many bytes
	bytes       int64 // of all packs
}

// growthOf looks at the files only, which is cheap.
func growthOf(dir string) (growth, error) {
	entries, err := os.ReadDir(filepath.Join(dir, "objects", "pack"))
	if err != nil {
		return growth{}, err
	}
	var g growth
	var packs int
	var largest int64
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			return growth{}, err
		}
		if filepath.Ext(entry.Name()) == ".pack" {
			packs++
			largest = max(largest, info.Size())
			g.bytes += info.Size()
		}
	}
	g.many, g.large = packs > maxPacks, g.bytes-largest > max(largest/2, freeGrowth)
	return g, nil
}
