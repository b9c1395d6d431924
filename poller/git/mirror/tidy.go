package mirror

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

	"github.com/bittrance/kitops/poller/git/ancestry"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/odb"
	"github.com/bittrance/kitops/poller/git/pack"
)

// When the packs of a mirror become one.
const (
	MaxPacks   = 40         // more are gathered
	Obsolete   = "obsolete" // a file that lists packs
	freeGrowth = 128 << 10  // bytes that packs may have beyond the largest, whatever that has
)

// Rewrite makes one pack with what the revisions held need and nothing else.
func (b *Bare) Rewrite(ctx context.Context, tags []object.ID) error {
	cut, err := b.cuts(b.Store, b.Shallow)
	if err != nil {
		return err
	}
	a := &ancestry.Ancestry{Read: b.Store.Reader().Read, Depth: b.Depth, Cut: cut}
	if err := a.Walk(ctx, b.Commits()...); err != nil {
		return err
	}
	for _, h := range b.Held {
		tags = append(tags[:len(tags):len(tags)], h.ID)
	}
	old := slices.Clone(b.Store.Packs)
	kept, err := b.repack(ctx, func(r *odb.Repacker) error {
		r.Partial = b.Partial
		return r.Gather(ctx, a, tags)
	})
	if err != nil {
		return err
	}
	// From here on what is cut with the old packs and what is cut without them both are.
	ends := a.Ends
	if b.Depth == 1 {
		ends = b.Commits()
	}
	for id := range cut {
		if a.Has(id) {
			ends = append(ends, id)
		}
	}
	if err := b.saveShallow(append(b.Shallow[:len(b.Shallow):len(b.Shallow)], ends...)); err != nil {
		return err
	}
	if err := b.drop(old, kept); err != nil {
		return err
	}
	return b.saveShallow(ends)
}

// GatherPacks makes one pack of all but the largest, with all that they have:
// where nothing is ever cut off, that is most of what a rewrite would find.
func (b *Bare) GatherPacks(ctx context.Context) error {
	old := slices.Clone(b.Store.Packs)
	slices.SortFunc(old, func(a, b *pack.Pack) int { return cmp.Compare(b.Size, a.Size) })
	old = old[1:]
	kept, err := b.repack(ctx, func(r *odb.Repacker) error {
		for _, p := range old {
			if err := r.AddAll(p); err != nil {
				return err
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
func (b *Bare) repack(ctx context.Context, gather func(*odb.Repacker) error) (object.ID, error) {
	path, index, sum, err := odb.Repack(ctx, b.Store, b.packDir(), gather)
	if err != nil {
		return sum, err
	}
	return sum, b.adopt(path, index, sum)
}

// drop removes packs, all or none: a crash amidst must leave no commit without
// what it needs, so that the rest goes when the repository is opened again.
func (b *Bare) drop(packs []*pack.Pack, kept object.ID) error {
	var names strings.Builder
	for _, p := range packs {
		if p.Index.Pack != kept {
			fmt.Fprintln(&names, p.Index.Pack)
		}
		_ = p.Close() // Windows removes no open file
	}
	if err := b.save(Obsolete, []byte(names.String())); err != nil {
		return err
	}
	return b.finishRewrite()
}

// finishRewrite removes the packs that a rewrite made obsolete.
func (b *Bare) finishRewrite() error {
	path := filepath.Join(b.dir, Obsolete)
	names, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(names)) {
		sum, ok := object.ParseID(line)
		if !ok {
			return object.Damaged("%s holds %q", path, line)
		}
		// The index goes first: a pack without one is swept.
		for _, file := range []string{b.PackName(sum) + ".idx", b.PackName(sum) + ".pack"} {
			if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return os.Remove(path)
}

// Growth is how much there is of a repository.
type Growth struct {
	Many, Large bool  // too many packs, too many bytes
	Bytes       int64 // of all packs
}

// GrowthOf looks at the files only, which is cheap.
func GrowthOf(dir string) (Growth, error) {
	entries, err := os.ReadDir(filepath.Join(dir, "objects", "pack"))
	if err != nil {
		return Growth{}, err
	}
	var g Growth
	var packs int
	var largest int64
	for _, entry := range entries {
		info, err := entry.Info()
		if err != nil {
			return Growth{}, err
		}
		if filepath.Ext(entry.Name()) == ".pack" {
			packs++
			largest = max(largest, info.Size())
			g.Bytes += info.Size()
		}
	}
	g.Many, g.Large = packs > MaxPacks, g.Bytes-largest > max(largest/2, freeGrowth)
	return g, nil
}
