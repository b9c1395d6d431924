package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"

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

// Mirror is one remote repository. It keeps nothing between calls, so its
// methods are safe for concurrent use; its fields are set once.
type Mirror struct {
	URL        URL
	Dir        string            // private directory for what a fetch needs while it runs; made if missing
	Auth       Auth              // nil: only what the address holds, which comes first
	Transport  http.RoundTripper // for http(s), see NewTransport; nil: http.DefaultTransport
	SSHKeyFile string            // the only key to offer; "": agent, ~/.ssh/config and the usual key files
	SSHAgent   string            // socket of the agent, SSH_AUTH_SOCK; "": none
	Home       string            // home of the user, for ~/.ssh
}

// Heads asks the remote where the refs are that the patterns select, sorted by
// name. A literal ref that does not exist is simply absent. HEAD among the
// patterns stands for the default branch and gives that branch's name.
//
// It returns ErrEmpty when the remote has no refs at all, and an error when
// HEAD is asked for and names no branch.
func (m *Mirror) Heads(ctx context.Context, refs Patterns) ([]Revision, error) {
	if err := refs.Validate(); err != nil {
		return nil, err
	}
	ad, err := m.advertisement(ctx)
	if err != nil {
		return nil, fmt.Errorf("list heads of %s: %w", m.URL, err)
	}
	heads, err := ad.selected(refs)
	if err != nil {
		return nil, fmt.Errorf("list heads of %s: %w", m.URL, err)
	}
	return heads, nil
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
	if !plumbing.IsHash(rev.SHA) {
		return errors.New("not a commit id")
	}
	if _, err := os.Lstat(dir); err == nil {
		return &fs.PathError{Op: "create", Path: dir, Err: fs.ErrExist}
	}
	store, err := m.objects(ctx, plumbing.NewHash(rev.SHA))
	if err != nil {
		return err
	}
	defer store.close()
	tree, err := store.treeOf(plumbing.NewHash(rev.SHA))
	if err != nil {
		return err
	}
	tmp, err := makeTemp(filepath.Dir(dir), filepath.Base(dir)+".tmp-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(tmp) }() // after the rename there is nothing to remove
	if err := writeTree(ctx, store, tree, tmp); err != nil {
		return err
	}
	return os.Rename(tmp, dir)
}

func (m *Mirror) advertisement(ctx context.Context) (*advertisement, error) {
	if m.URL.Local() {
		local, err := openLocal(m.URL.path)
		if err != nil {
			return nil, err
		}
		return local.advertisement(ctx)
	}
	s, err := m.dial(ctx)
	if err != nil {
		return nil, err
	}
	defer s.close()
	return readAdvertisement(ctx, s)
}

// objects is a store that has at least the commit and all that belongs to it.
func (m *Mirror) objects(ctx context.Context, sha plumbing.Hash) (*objects, error) {
	if m.URL.Local() {
		local, err := openLocal(m.URL.path)
		if err != nil {
			return nil, err
		}
		return local.objects(ctx, sha)
	}
	tmp, err := makeTemp(m.Dir, "fetch-*")
	if err != nil {
		return nil, err
	}
	store, err := m.fetch(ctx, sha, tmp)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(tmp))
	}
	store.temporary = tmp
	return store, nil
}

func (m *Mirror) fetch(ctx context.Context, sha plumbing.Hash, dir string) (*objects, error) {
	s, err := m.dial(ctx)
	if err != nil {
		return nil, err
	}
	defer s.close()
	ad, err := readAdvertisement(ctx, s)
	if err != nil {
		return nil, err
	}
	if err := fetchPack(ctx, s, ad, sha, dir); err != nil {
		return nil, err
	}
	return openObjects(dir)
}

func (m *Mirror) dial(ctx context.Context) (session, error) {
	if m.URL.scheme == "ssh" {
		return m.dialSSH(ctx)
	}
	return m.dialHTTP(ctx)
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
