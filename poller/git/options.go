package git

import (
	"cmp"
	"errors"

	"github.com/bittrance/kitops/poller/git/address"
	"github.com/bittrance/kitops/poller/git/mirror"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/refs"
	"github.com/bittrance/kitops/poller/git/safedir"
	"github.com/bittrance/kitops/poller/git/sparse"
)

// MaxHistory is the longest history that has one, in commits.
const MaxHistory = 1_000_000

// Options say what a checkout has beyond the files of the revision. The zero
// value is a new directory with files only.
type Options struct {
	Reuse      bool           // dir may be there from an earlier call: only what differs is touched
	Clean      bool           // with Reuse: what is in dir and not of the revision is removed
	Park       bool           // files of ParkedPath(dir) are moved, and RecordPath(dir) is for the next such call
	Tag        string         // the object of an annotated tag that the revision's ref is at: it is fetched, and must lead to the revision
	DotGit     bool           // dir is a repository, for git commands to work in
	History    int            // with DotGit: how many commits it has, FullHistory for all; 0: 1
	Submodules Submodules     // where submodules come from; nil: they are empty directories
	Sparse     *sparse.List   // the files that are checked out; nil: all
	LFS        bool           // files of Git LFS have the contents that they point to
	Owner      *safedir.Owner // whom the files belong to; nil: the agent's user
}

// Submodules gives the mirror of a submodule, named by its address: absolute,
// with the host in lower case, without a port that says nothing, without a
// password, and with a user name for ssh only; otherwise as it is written in
// .gitmodules, so .git or a slash at the end may be there or not. The address
// was chosen by who may push: what the mirror has of credentials goes there.
//
// One repository should be one mirror, whoever asks. Calls for one checkout come
// one after another, those for several may come at once.
type Submodules func(url address.URL) (*Mirror, error)

// held is a revision as a mirror has it: by its tag, where there is one.
func (o Options) held(rev refs.Revision) (mirror.Held, error) {
	id, ok := object.ParseID(cmp.Or(o.Tag, rev.SHA))
	if _, sound := object.ParseID(rev.SHA); !ok || !sound {
		return mirror.Held{}, errors.New("not a commit id")
	}
	return mirror.Held{Ref: rev.Ref, ID: id}, nil
}
