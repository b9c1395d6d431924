package git

import (
	"context"
	"net/http"

	"github.com/bittrance/kitops/poller/git/address"
	"github.com/bittrance/kitops/poller/git/ancestry"
	"github.com/bittrance/kitops/poller/git/changes"
	"github.com/bittrance/kitops/poller/git/disk"
	"github.com/bittrance/kitops/poller/git/lfs"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/refs"
	"github.com/bittrance/kitops/poller/git/remote"
	"github.com/bittrance/kitops/poller/git/safedir"
	"github.com/bittrance/kitops/poller/git/signature"
	"github.com/bittrance/kitops/poller/git/sparse"
)

// The rooms below are for this package alone: what its callers need of them has
// a name here.
type (
	// URL is the address of a repository.
	URL = address.URL
	// Revision is a ref at a commit.
	Revision = refs.Revision
	// Patterns select refs.
	Patterns = refs.Patterns
	// Versions select the highest version among tags.
	Versions = refs.Versions
	// Choice is what Versions select.
	Choice = refs.Choice
	// Auth gives the credentials for a repository.
	Auth = remote.Auth
	// Hosts is what mirrors of repositories on the same hosts share.
	Hosts = remote.Hosts
	// Size is a number of bytes.
	Size = disk.Size
	// Space is the room of a file system.
	Space = disk.Space
	// Progress is how far a checkout has come.
	Progress = disk.Progress
	// Changed are paths that differ.
	Changed = changes.List
	// ChangedPath is one of them.
	ChangedPath = changes.Path
	// PathPatterns select paths.
	PathPatterns = changes.Patterns
	// Sparse selects the files that are checked out.
	Sparse = sparse.List
	// Text is what a commit says to people.
	Text = object.Text
	// Person is who has made a commit.
	Person = object.Person
	// KeyEnd is when a key ends whose signature counts.
	KeyEnd = signature.End
	// Owner is whom the files of a checkout belong to.
	Owner = safedir.Owner
)

// FullHistory is a history without an end.
const FullHistory = ancestry.FullHistory

var (
	// ErrEmpty says that the remote has no refs at all yet.
	ErrEmpty = remote.ErrEmpty
	// ErrMoved says that the remote no longer gives the revision asked for:
	// its branch was pushed over or deleted since the look.
	ErrMoved = remote.ErrMoved
	// ErrNoCommit says that a tag leads to something else than a commit.
	ErrNoCommit = object.ErrNoCommit
	// ErrCredentials says that the remote did not take the credentials.
	ErrCredentials = remote.ErrCredentials
	// ErrHidden says that the remote knows no such repository, or none that
	// the credentials may read.
	ErrHidden = remote.ErrHidden
	// ErrDenied says that the credentials may not read the repository.
	ErrDenied = remote.ErrDenied
	// ErrLFSBudget says that what the owner of a repository may fetch of Git LFS is used up.
	ErrLFSBudget = lfs.ErrBudget
	// ErrUnavailable says that the server is out of order, perhaps for a moment.
	ErrUnavailable = remote.ErrUnavailable
)

// ParseURL understands https, http, ssh, git@host:path, file and local paths,
// as git does.
func ParseURL(s string) (URL, error) { return address.ParseURL(s) }

// NewDistantTransport is what mirrors should share whose addresses come from a
// repository: it leads to nothing on this host or its link.
func NewDistantTransport() http.RoundTripper { return remote.NewDistantTransport() }

// NewTransport is what mirrors should share for http(s).
func NewTransport() *http.Transport { return remote.NewTransport() }

// WithProgress returns a context whose checkouts count in p.
func WithProgress(ctx context.Context, p *Progress) context.Context { return disk.WithProgress(ctx, p) }

// ProgressOf is where the checkouts of a context count; nil for nowhere.
func ProgressOf(ctx context.Context) *Progress { return disk.ProgressOf(ctx) }

// SpaceOf tells the room of the file system that dir is on.
func SpaceOf(dir string) (Space, error) { return disk.SpaceOf(dir) }

// NewVersions checks what selects versions among tags.
func NewVersions(versions, match string, prerelease bool) (*Versions, error) {
	return refs.NewVersions(versions, match, prerelease)
}

// ParseSparse makes a list of directories, or of patterns, as git sparse-checkout has them.
func ParseSparse(entries []string) (*Sparse, error) { return sparse.Parse(entries) }

// IsSHA tells whether a text is the whole name of a commit.
func IsSHA(s string) bool {
	_, is := object.ParseID(s)
	return is
}

// ValidRef tells whether a ref may have that full name.
func ValidRef(name string) bool { return refs.Valid(name) }

// Meant are the refs that a person may mean by a name.
func Meant(name string) []string { return refs.Meant(name) }
