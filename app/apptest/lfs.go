package apptest

import (
	"github.com/bittrance/kitops/poller/git/gittest"
)

const lfsBatch = "info/lfs/objects/batch"

// LFS are the contents that the repository has in Git LFS: whoever may read it may ask where they are. They are at an address
// beside it, as GitHub has them, which the signature opens that the answer gives.
func (r *Repository) LFS() *gittest.LFS { return r.objects() }

func (r *Repository) objects() *gittest.LFS {
	r.g.mu.Lock()
	defer r.g.mu.Unlock()
	if r.lfs == nil {
		r.lfs = &gittest.LFS{}
	}
	return r.lfs
}
