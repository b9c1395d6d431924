package git

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/bittrance/kitops/poller/git/address"
	"github.com/bittrance/kitops/poller/git/disk"
	"github.com/bittrance/kitops/poller/git/lfs"
	"github.com/bittrance/kitops/poller/git/local"
	"github.com/bittrance/kitops/poller/git/pack"
	"github.com/bittrance/kitops/poller/git/refs"
	"github.com/bittrance/kitops/poller/git/remote"
)

// DefaultMaxSize is the limit of a Mirror that sets none, in bytes.
const DefaultMaxSize = 4 << 30

// Mirror is one remote repository. Its methods are safe for concurrent use; its
// fields are set once. Two mirrors must not have one Dir.
//
// In Dir it keeps a bare repository with the revisions alone, and one for each
// longer history that is asked for in a directory beside it, see Keeps. From
// them it knows what need not be fetched again. Whatever it doubts in there it
// throws away and fetches anew.
// Nothing is open between calls.
type Mirror struct {
	URL        address.URL
	Dir        string            // private directory, see Keeps; made if missing, may be lost between calls
	Auth       remote.Auth       // nil: only what the address holds, which comes first
	Transport  http.RoundTripper // for http(s), see NewTransport; nil: http.DefaultTransport
	Hosts      *remote.Hosts     // one for all mirrors, so that no host gets too many ssh connections at a time; nil: each for itself
	Agent      string            // what kitops calls itself at servers, kitops/VERSION; "": kitops
	SSHKeyFile string            // the only key to offer; "": agent, ~/.ssh/config and the usual key files
	SSHAgent   string            // socket of the agent, SSH_AUTH_SOCK; "": none
	Home       string            // home of the user, for ~/.ssh
	MaxSize    disk.Size         // bytes that a pack may have, and the files of a revision; 0: DefaultMaxSize; less where the disk has no room
	Log        *slog.Logger      // for what is put right without an error; nil: nowhere

	asked  remote.Memory // http: how it answers
	noBlob atomic.Bool   // it does not give single blobs
	stored lfs.Store     // of Git LFS, in a directory beside Dir
	lfs    mutex         // who holds it fetches into that
	told   sync.Map      // warnings that were given
	looks  looks
	depots repos
	warned warned

	peeling sync.Mutex
	leads   map[string]string // of a repository on this host: objects of refs/tags → their commits; guarded by peeling, replaced

	space func(dir string) (disk.Space, error) // nil: SpaceOf
	fail  pack.Fail                            // for tests: of what the mirror keeps, named by absolute paths, and of the files of a checkout
}

// Heads asks the remote where the refs are that the patterns select, sorted by
// name. A literal ref that does not exist is simply absent. HEAD among the
// patterns stands for the default branch and gives that branch's name. Calls
// that come while one is under way share the next question to the remote.
//
// It returns ErrEmpty when the remote has no refs at all, and an error when
// HEAD is asked for and names no branch. A tag is at the commit that it leads to.
func (m *Mirror) Heads(ctx context.Context, patterns refs.Patterns) ([]refs.Revision, error) {
	heads, _, err := m.HeadsAndTags(ctx, patterns)
	return heads, err
}

// HeadsAndTags is Heads, and the objects of those among them that are annotated tags.
func (m *Mirror) HeadsAndTags(ctx context.Context, patterns refs.Patterns) (heads []refs.Revision, tags Tags, err error) {
	if err := patterns.Validate(); err != nil {
		return nil, nil, err
	}
	ad, err := m.looks.join(ctx, patterns, m.look)
	if err == nil {
		heads, err = selected(ad, patterns)
	}
	if err == nil {
		heads, tags, err = m.peel(ctx, ad, heads)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("list heads of %s: %w", m.URL, err)
	}
	return heads, tags, nil
}

// look lets only those refs in whose names git would give. Others are left out
// alone: whoever may push one must not stop the rest.
func (m *Mirror) look(ctx context.Context, patterns refs.Patterns) (*remote.Advertisement, error) {
	ad, err := m.advertised(ctx, patterns)
	if err != nil {
		return nil, err
	}
	valid, out, example := ad.Refs.Sieve()
	if ad.Refs = valid; out > 0 {
		m.warnOnce(ctx, "refs are left out whose names git would not give, or that are no UTF-8", "refs", out, "example", example)
	}
	return ad, nil
}

func (m *Mirror) advertised(ctx context.Context, patterns refs.Patterns) (*remote.Advertisement, error) {
	if m.URL.Local() {
		repo, err := local.Open(m.URL.Path)
		if err != nil {
			return nil, err
		}
		return repo.Advertisement(ctx)
	}
	var ad *remote.Advertisement
	err := m.access().Converse(ctx, func(r *remote.Remote) (err error) {
		ad, err = r.List(ctx, refs.Prefixes(patterns))
		// Nothing at all, or no default branch where it is asked for: all refs decide what that means.
		if err == nil && (len(ad.Refs) == 0 || slices.Contains(patterns, refs.Head) && ad.Head.IsZero()) {
			ad, err = r.List(ctx, nil)
		}
		return err
	})
	return ad, err
}

func (m *Mirror) maxSize() int64 {
	if m.MaxSize > 0 {
		return int64(m.MaxSize)
	}
	return DefaultMaxSize
}

func (m *Mirror) access() *remote.Access {
	return &remote.Access{URL: m.URL, Auth: m.Auth, Transport: m.Transport, SSHKeyFile: m.SSHKeyFile, SSHAgent: m.SSHAgent, Home: m.Home, Agent: m.Agent, Memory: &m.asked, Hosts: m.Hosts, Warn: m.warnOnce}
}

// warnOnce says something that was not said before, with the address.
func (m *Mirror) warnOnce(ctx context.Context, msg string, args ...any) {
	if m.Log == nil {
		return
	}
	if _, said := m.told.LoadOrStore(msg, true); !said {
		m.Log.WarnContext(ctx, msg, append([]any{"url", m.URL.String()}, args...)...) //nolint:sloglint // the callers have constants
	}
}
