package mirror

import (
	"errors"
	"os"
	"path/filepath"
	"slices"

	"github.com/bittrance/kitops/poller/files"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/pack"
)

// adopt gives a pack and its index their names, in git's order: the index last.
// Checkouts link to the pack, so it is never written to again.
func (b *Bare) adopt(file, index string, sum object.ID) error {
	name := b.PackName(sum)
	b.Store.Packs = slices.DeleteFunc(b.Store.Packs, func(p *pack.Pack) bool { // the same one came before
		same := p.Index.Pack == sum
		if same {
			_ = p.Close()
		}
		return same
	})
	if err := errors.Join(files.Chmod(file, 0o444), os.Rename(file, name+".pack")); err != nil {
		return err
	}
	if err := os.Rename(index, name+".idx"); err != nil {
		return errors.Join(err, os.Remove(name+".pack"))
	}
	p, err := pack.Open(name, b.Store.Format)
	if err != nil {
		return err
	}
	b.Store.Insert(p)
	return nil
}

// PackName is the path of a pack without what tells it from its index.
func (b *Bare) PackName(sum object.ID) string {
	return filepath.Join(b.packDir(), "pack-"+sum.String())
}
