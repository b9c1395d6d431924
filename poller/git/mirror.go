package git

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"slices"
	"sync/atomic"
)

var (
	// ErrEmpty says that the remote has no refs at all yet.
	ErrEmpty = errors.New("the repository is empty")
	// ErrMoved says that the remote no longer gives the revision asked for:
	// its branch was pushed over or deleted since the look.
	ErrMoved = errors.New("the remote no longer has this revision")
	// ErrCredentials says that the remote did not take the credentials.
	ErrCredentials = errors.New("authentication refused: the credentials are wrong or have expired")
)

// Auth gives the credentials for a repository, named by its address without
// credentials. It is called once for each conversation and must be safe for
// concurrent use. What it gives is sent over https or to this host only.
type Auth func(ctx context.Context, url string) (user, password string, err error)

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
	URL        URL
	Dir        string            // private directory, see Keeps; made if missing, may be lost between calls
	Auth       Auth              // nil: only what the address holds, which comes first
	Transport  http.RoundTripper // for http(s), see NewTransport; nil: http.DefaultTransport
	SSHKeyFile string            // the only key to offer; "": agent, ~/.ssh/config and the usual key files
	SSHAgent   string            // socket of the agent, SSH_AUTH_SOCK; "": none
	Home       string            // home of the user, for ~/.ssh
	MaxSize    Size              // bytes that a pack may have, and the files of a revision; 0: DefaultMaxSize; less where the disk has no room
	Log        *slog.Logger      // for what is put right without an error; nil: nowhere

	discover atomic.Bool // http: listen before speaking
	crowded  atomic.Bool // it was said that there are too many tags
	looks    looks
	depots   depots
	warned   warned

	space func(dir string) (Space, error) // nil: SpaceOf
}

// Heads asks the remote where the refs are that the patterns select, sorted by
// name. A literal ref that does not exist is simply absent. HEAD among the
// patterns stands for the default branch and gives that branch's name. Calls
// that come while one is under way share the next question to the remote.
//
// It returns ErrEmpty when the remote has no refs at all, and an error when
// HEAD is asked for and names no branch.
func (m *Mirror) Heads(ctx context.Context, refs Patterns) ([]Revision, error) {
	if err := refs.Validate(); err != nil {
		return nil, err
	}
	ad, err := m.looks.join(ctx, refs, m.look)
	if err != nil {
		return nil, fmt.Errorf("list heads of %s: %w", m.URL, err)
	}
	heads, err := selected(ad, refs)
	if err != nil {
		return nil, fmt.Errorf("list heads of %s: %w", m.URL, err)
	}
	return heads, nil
}

func (m *Mirror) look(ctx context.Context, refs Patterns) (*advertisement, error) {
	if m.URL.Local() {
		local, err := openLocal(m.URL.path)
		if err != nil {
			return nil, err
		}
		return local.advertisement(ctx)
	}
	var ad *advertisement
	err := m.access().converse(ctx, func(r *remote) (err error) {
		ad, err = r.list(ctx, refPrefixes(refs))
		// Nothing at all, or no default branch where it is asked for: all refs decide what that means.
		if err == nil && (len(ad.refs) == 0 || slices.Contains(refs, head) && ad.head.IsZero()) {
			ad, err = r.list(ctx, nil)
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

// ctxErr is err, or why the context ended if it did: then err only says how
// that was noticed.
func ctxErr(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

func (m *Mirror) access() *access {
	return &access{URL: m.URL, Auth: m.Auth, Transport: m.Transport, SSHKeyFile: m.SSHKeyFile, SSHAgent: m.SSHAgent, Home: m.Home, discover: &m.discover}
}
