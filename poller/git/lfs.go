package git

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bittrance/kitops/poller/git/attributes"
	"github.com/bittrance/kitops/poller/git/convert"
	"github.com/bittrance/kitops/poller/git/disk"
	"github.com/bittrance/kitops/poller/git/gitmodules"
	"github.com/bittrance/kitops/poller/git/lfs"
	"github.com/bittrance/kitops/poller/git/local"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/remote"
	"github.com/bittrance/kitops/poller/git/worktree"
)

const lfsConfig = ".lfsconfig"

// pointers are those of a checkout, by their blobs.
type pointers map[object.ID]pointer

// pointer is one, and the repository that it is of.
type pointer struct {
	lfs.Pointer
	of   *lfsSource
	path string
}

// lfsSource is where the contents of one repository come from.
type lfsSource struct {
	*Mirror
	ref    string
	config string // what .lfsconfig names in place of the repository's own server; "": nothing
}

func (s *lfsSource) dir() string { return filepath.Clean(s.Dir) + lfsInfix }

var lfsLeft = attributes.Left{Kind: "filter", Value: "lfs"} //nolint:gochecknoglobals // a constant

// findPointers has the files that are pointers of Git LFS written with what they point to. The attribute alone makes none:
// what was committed in spite of it stays as it is.
func (c *checkout) findPointers(ctx context.Context, r *revision) error {
	c.pointers = pointers{}
	files := r.plan.Left[lfsLeft]
	if len(files) == 0 {
		return nil
	}
	sources, err := c.lfsSources(ctx, r)
	if err != nil {
		return err
	}
	defer c.use()
	reader := r.store.Reader()
	var left []int32
	var size int64
	for _, file := range files {
		if err := ctx.Err(); err != nil {
			return err
		}
		f := &r.plan.Files[file]
		content, err := small(reader, *f, lfs.MaxPointer)
		if errors.Is(err, object.ErrTooLarge) {
			continue
		}
		if err != nil {
			return fmt.Errorf("%q: %w", r.plan.FilePath(*f), err)
		}
		p, ok := lfs.Parse(content)
		switch {
		case !ok:
			continue
		case p.Extended:
			left = append(left, file)
			continue
		}
		if size += p.Size; p.Size > c.maxSize() || size > c.maxSize() {
			return fmt.Errorf("%q: with Git LFS, the files of the revision have %w", r.plan.FilePath(*f), disk.TooMuch(c.maxSize()))
		}
		f.Convert = convert.LFS
		c.pointers[f.ID] = pointer{p, sources(file), r.plan.FilePath(*f)}
	}
	r.plan.Left = maps.Clone(r.plan.Left)
	if r.plan.Left[lfsLeft] = left; len(left) == 0 {
		delete(r.plan.Left, lfsLeft)
	}
	return nil
}

// lfsSources tells where the contents of files come from: of the repository, or of a submodule.
func (c *checkout) lfsSources(ctx context.Context, r *revision) (func(file int32) *lfsSource, error) {
	top := &submodule{url: c.URL, store: r.store, part: c.part}
	own, err := top.lfsSource(ctx, c.Mirror, r.plan)
	if err != nil {
		return nil, err
	}
	own.ref = c.rev.Ref
	found := make([]*lfsSource, len(c.subs))
	for i, s := range c.subs {
		if found[i], err = s.lfsSource(ctx, s.mirror, r.plan); err != nil {
			return nil, s.wrap(err)
		}
	}
	return func(file int32) *lfsSource {
		for i, s := range c.subs {
			if s.part.Files.Has(int(file)) {
				return found[i]
			}
		}
		return own
	}, nil
}

// lfsSource reads .lfsconfig of a repository. It may name another server, which gets no credentials.
func (s *submodule) lfsSource(ctx context.Context, m *Mirror, p *worktree.Plan) (*lfsSource, error) {
	source := &lfsSource{Mirror: m}
	f, ok := s.atTop(p, lfsConfig)
	if !ok || f.Mode == object.ModeSymlink {
		return source, ctx.Err()
	}
	data, err := small(s.store.Reader(), f, gitmodules.Max)
	if err == nil {
		source.config, err = gitmodules.Value(data, "lfs.url")
	}
	if err != nil {
		return nil, fmt.Errorf("read %s of %s: %w", lfsConfig, m.URL, err)
	}
	return source, nil
}

// fetchPointed has the contents come that blobs point to, each once for a mirror.
func (c *checkout) fetchPointed(ctx context.Context, blobs []object.ID) error {
	wanted := map[*lfsSource][]lfs.Pointer{}
	paths := map[string]string{}
	for _, id := range blobs {
		p := c.pointers[id]
		wanted[p.of] = append(wanted[p.of], p.Pointer)
		paths[p.OID] = p.path
	}
	for source, all := range wanted {
		err := source.fetchLFS(ctx, all, c.progress, c.hurry != nil)
		var of *lfs.ObjectError
		if errors.As(err, &of) {
			err = fmt.Errorf("%q: %w", paths[of.OID], err)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *lfsSource) fetchLFS(ctx context.Context, wanted []lfs.Pointer, progress *disk.Progress, hurried bool) error {
	if err := s.lfs.lock(ctx); err != nil {
		return err
	}
	defer s.lfs.unlock()
	missing := slices.DeleteFunc(slices.Clone(wanted), func(p lfs.Pointer) bool { return p.Size == 0 || lfs.Has(s.dir(), p) })
	if len(missing) == 0 {
		return nil
	}
	if hurried {
		return errNotHeld
	}
	var size int64
	for _, p := range missing {
		size += p.Size
	}
	if err := s.room(s.Dir).Take(size); err != nil {
		return err
	}
	f := &lfs.Fetch{Dir: s.dir(), Ref: s.ref, Through: func(r io.Reader) io.Reader { return progress.Reader(s.room(s.Dir).Reader(r)) }}
	if s.URL.Local() {
		return s.copyLocal(ctx, f, missing)
	}
	server, done, err := s.server(ctx)
	if err != nil {
		return fmt.Errorf("find the Git LFS server of %s: %w", s.URL, err)
	}
	defer done()
	f.Server = server
	return f.Run(ctx, missing)
}

// copyLocal takes what a repository of this host has of its own.
func (s *lfsSource) copyLocal(ctx context.Context, f *lfs.Fetch, wanted []lfs.Pointer) error {
	repo, err := local.Open(s.URL.Path)
	if err != nil {
		return err
	}
	return f.Local(ctx, repo.LFSObjects(), wanted)
}

// server is where the contents are, and what goes there.
func (s *lfsSource) server(ctx context.Context) (*lfs.Server, func(), error) {
	repository, err := url.Parse(s.URL.Origin())
	if err != nil {
		return nil, nil, err
	}
	if s.URL.SSH() && s.URL.Loopback() {
		repository.Scheme = "http"
	}
	found, err := s.access().LFS(ctx)
	if err != nil {
		return nil, nil, err
	}
	if s.config != "" && strings.TrimSuffix(s.config, "/") != found.URL {
		if found, err = s.named(ctx, repository, found.Agent); err != nil {
			return nil, nil, err
		}
	}
	outside := remote.NewOutsideTransport(ctx, s.URL.Host)
	own := s.Transport
	if own == nil {
		own = http.DefaultTransport
	}
	return &lfs.Server{LFSServer: found, Repo: repository, Own: own, Other: outside}, outside.Close, nil
}

// named is the server of .lfsconfig. Whoever pushes chooses it, so that nobody's credentials go there.
func (s *lfsSource) named(ctx context.Context, repository *url.URL, agent string) (remote.LFSServer, error) {
	u, err := url.Parse(s.config)
	switch {
	case err != nil || u.Host == "":
		return remote.LFSServer{}, fmt.Errorf("%s names %.100q, which is no address", lfsConfig, s.config)
	case u.Scheme != "https" && (u.Scheme != "http" || repository.Scheme != "http" || !strings.EqualFold(u.Hostname(), repository.Hostname())):
		return remote.LFSServer{}, fmt.Errorf("%s names %.100q: only https is followed", lfsConfig, u.Scheme+"://"+u.Host)
	}
	u.User = nil
	s.warnOnce(ctx, lfsConfig+" names another Git LFS server than the repository's own: it gets no credentials", "server", u.Host)
	return remote.LFSServer{URL: u.String(), Agent: agent}, nil
}

// samePointed says whether a file has what a blob points to.
func (c *checkout) samePointed(blob object.ID, size int64, content io.Reader) bool {
	p, ok := c.pointers[blob]
	return ok && p.Size == size && lfs.Same(content, p.Pointer)
}

// copyPointed writes what a blob points to.
func (c *checkout) copyPointed(to io.Writer, blob object.ID) error {
	p := c.pointers[blob]
	if err := lfs.Copy(to, p.of.dir(), p.Pointer); err != nil {
		return &lfs.ObjectError{OID: p.OID, Err: err}
	}
	return nil
}
