package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"

	"github.com/go-git/go-git/v5/plumbing"
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
// In Dir it keeps a bare repository, from which it knows what need not be
// fetched again. Whatever it doubts in there it throws away and fetches anew.
// Nothing is open between calls.
type Mirror struct {
	URL        URL
	Dir        string            // private directory; made if missing, may be lost between calls
	Auth       Auth              // nil: only what the address holds, which comes first
	Transport  http.RoundTripper // for http(s), see NewTransport; nil: http.DefaultTransport
	SSHKeyFile string            // the only key to offer; "": agent, ~/.ssh/config and the usual key files
	SSHAgent   string            // socket of the agent, SSH_AUTH_SOCK; "": none
	Home       string            // home of the user, for ~/.ssh
	MaxSize    Size              // bytes that a pack may have, and the files of a revision; 0: DefaultMaxSize
	Log        *slog.Logger      // for what is put right without an error; nil: nowhere

	discover atomic.Bool // http: listen before speaking
	looks    looks
	busy     mutex // who holds it has Dir for itself
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
	heads, err := ad.selected(refs)
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
	err := m.converse(ctx, func(r *remote) (err error) {
		ad, err = r.list(ctx, refPrefixes(refs))
		// Nothing at all, or no default branch where it is asked for: all refs decide what that means.
		if err == nil && (len(ad.refs) == 0 || slices.Contains(refs, head) && ad.head.IsZero()) {
			ad, err = r.list(ctx, nil)
		}
		return err
	})
	return ad, err
}

// Checkout writes the tree of a revision that Heads gave to dir, which must not
// exist. dir appears by rename when all is in it, or not at all; while it is
// written its name is dir + ".tmp-*". There is no .git in it, submodules are
// empty directories, symlinks and Git LFS pointers are left as they are.
//
// It returns ErrMoved when the remote no longer gives the revision.
func (m *Mirror) Checkout(ctx context.Context, rev Revision, dir string) error {
	if err := m.checkout(ctx, rev, dir); err != nil {
		return fmt.Errorf("check out %s of %s: %w", rev.SHA, m.URL, err)
	}
	return nil
}

func (m *Mirror) checkout(ctx context.Context, rev Revision, dir string) error {
	id, ok := parseID(rev.SHA)
	if !ok {
		return errors.New("not a commit id")
	}
	if _, err := os.Lstat(dir); err == nil {
		return &fs.PathError{Op: "create", Path: dir, Err: fs.ErrExist}
	}
	if m.URL.Local() {
		return m.checkoutLocal(ctx, id, dir)
	}
	fresh, err := m.checkoutRemote(ctx, held{ref: rev.Ref, id: id}, dir)
	var doubt *damage
	if !errors.As(err, &doubt) {
		return err
	}
	if wiped := m.wipe(ctx); wiped != nil || fresh {
		return errors.Join(err, wiped)
	}
	if m.Log != nil {
		m.Log.WarnContext(ctx, "mirror thrown away, will be fetched anew", "url", m.URL.String(), "err", err)
	}
	_, err = m.checkoutRemote(ctx, held{ref: rev.Ref, id: id}, dir)
	return err
}

func (m *Mirror) checkoutLocal(ctx context.Context, id plumbing.Hash, dir string) error {
	local, err := openLocal(m.URL.path)
	if err != nil {
		return err
	}
	s, err := local.store(ctx, id)
	if err != nil {
		return err
	}
	defer s.close()
	return m.publish(dir, func(tmp string) error { return m.fill(ctx, s, id, tmp, nil) })
}

// checkoutRemote says whether all of the mirror came with this call.
func (m *Mirror) checkoutRemote(ctx context.Context, rev held, dir string) (fresh bool, err error) {
	err = m.publish(dir, func(tmp string) error {
		b, landed, err := m.obtain(ctx, rev, tmp, &fresh)
		if err != nil {
			return err
		}
		defer b.close()
		return m.fill(ctx, b.store, rev.id, tmp, landed)
	})
	if err == nil {
		m.tidy(ctx)
	}
	return fresh, err
}

// obtain opens the mirror and fetches the revision if it is not there. Where
// nothing was, files go to dir at once.
func (m *Mirror) obtain(ctx context.Context, rev held, dir string, fresh *bool) (*bare, *treeWriter, error) {
	if err := m.busy.lock(ctx); err != nil {
		return nil, nil, err
	}
	defer m.busy.unlock()
	b, err := openBare(ctx, m.Dir)
	if err != nil {
		return nil, nil, err
	}
	if b.holds(rev.id) {
		return b, nil, nil
	}
	var l *landing
	if len(b.held) == 0 {
		*fresh = true
		l = &landing{ctx: ctx, dir: dir, want: rev.id, limit: m.maxSize()}
	}
	err = m.converse(ctx, func(r *remote) error {
		body, err := r.fetch(ctx, wish{want: rev.id, have: b.commits()})
		if err != nil {
			return err
		}
		defer func() { _ = body.Close() }()
		return b.receive(ctx, body, rev, m.maxSize(), l)
	})
	if err != nil {
		b.close()
		return nil, nil, err
	}
	if l == nil {
		return b, nil, nil
	}
	return b, l.writer, nil
}

// fill writes what is missing of the revision to dir.
func (m *Mirror) fill(ctx context.Context, s *store, id plumbing.Hash, dir string, w *treeWriter) error {
	if w == nil {
		read := s.reader().read
		_, tree, err := commitOf(ctx, id, read)
		if err != nil {
			return err
		}
		p, err := makePlan(ctx, tree, read)
		if err != nil {
			return err
		}
		if w, err = newTreeWriter(dir, p, m.maxSize()); err != nil {
			return err
		}
	}
	return w.finish(ctx, s)
}

// publish has fill write to a directory that then becomes dir.
func (m *Mirror) publish(dir string, fill func(tmp string) error) error {
	tmp, err := makeTemp(filepath.Dir(dir), filepath.Base(dir)+".tmp-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(tmp) }() // after the rename there is nothing to remove
	if err := fill(tmp); err != nil {
		return err
	}
	return os.Rename(tmp, dir)
}

func (m *Mirror) wipe(ctx context.Context) error {
	if err := m.busy.lock(ctx); err != nil {
		return err
	}
	defer m.busy.unlock()
	return os.RemoveAll(m.Dir)
}

func (m *Mirror) maxSize() int64 {
	if m.MaxSize > 0 {
		return int64(m.MaxSize)
	}
	return DefaultMaxSize
}

func makeTemp(parent, pattern string) (string, error) {
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return "", err
	}
	return os.MkdirTemp(parent, pattern)
}

// ctxErr is err, or why the context ended if it did: then err only says how
// that was noticed.
func ctxErr(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}
