package git

const (
	// FullHistory is a history without an end.
	FullHistory = -1
	// MaxHistory is the longest history that has one, in commits.
	MaxHistory = 1_000_000
)

// Options say what a checkout has beyond the files of the revision. The zero
// value is a new directory with files only.
type Options struct {
	Reuse      bool                           // dir may be there from an earlier call: only what differs is touched
	Clean      bool                           // with Reuse: what is in dir and not of the revision is removed
	DotGit     bool                           // dir is a repository, for git commands to work in
	History    int                            // with DotGit: how many commits it has, FullHistory for all; 0: 1
	Submodules func(url URL) (*Mirror, error) // where submodules come from; nil: they are empty directories
	Owner      *Owner                         // whom the files belong to; nil: the agent's user
}

// Owner is a user of the host.
type Owner struct{ UID, GID int }
