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
	err := d.rewrite(ctx)
	var doubt *damage
	if errors.As(err, &doubt) {
		err = errors.Join(err, d.wipe(ctx))
	}
	if err != nil && ctx.Err() == nil && m.Log != nil {
		m.Log.WarnContext(ctx, "mirror not tidied", "url", m.URL.String(), "err", err)
	}
}

// rewrite makes one pack of many.
func (d *depot) rewrite(ctx context.Context) error {
	if err := d.busy.lock(ctx); err != nil {
		return err
	}
	defer d.busy.unlock()
	many, large, err := overgrown(d.dir)
	if err != nil || !many && !large {
		return err
	}
	b, err := openBare(ctx, d.dir, d.depth)
	if err != nil {
		return err
	}
	defer b.close()
	if d.depth == FullHistory && !large {
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

// overgrown says whether there are too many packs, or too many bytes. It looks
// at the files only, which is cheap.
func overgrown(dir string) (many, large bool, err error) {
	entries, err := os.ReadDir(filepath.Join(dir, "objects", "pack"))
	if err != nil {
		return false, false, err
	}
	var packs int
	var largest, all int64
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			return false, false, err
		}
		if filepath.Ext(entry.Name()) == ".pack" {
			packs++
			largest = max(largest, info.Size())
			all += info.Size()
		}
	}
	return packs > maxPacks, all-largest > max(largest/2, freeGrowth), nil
}
