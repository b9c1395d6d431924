package dumb

import (
	"bytes"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/bittrance/kitops/poller/git/disk"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/pack"
)

const (
	maxPackList = 4 << 20 // bytes of objects/info/packs
	maxPacks    = 10_000
	basesSize   = 32 << 20 // bytes of objects kept, for deltas upon them
)

// Files are those of a bare repository on a web server.
type Files struct {
	// Get opens one by its path in the repository. It returns fs.ErrNotExist
	// where there is none.
	Get    func(ctx context.Context, path string) (io.ReadCloser, error)
	Format object.Format
	Dir    string                      // for packs, while they are read
	Limit  int64                       // bytes that may come
	Room   func(r io.Reader) io.Reader // guards the disk; nil: nothing does
}

// store is what the server has, as far as it was read.
type store struct {
	*Files
	format object.Format
	left   atomic.Int64
	packs  []*remotePack
	listed bool
	hash   *object.Hasher
	ahead  ahead
	pack.Unpacker
}

// remotePack is a pack of which the index is here, and the rest if it was needed.
type remotePack struct {
	name string
	base string // of the files here; "": not yet
	idx  *pack.Index
	pack *pack.Pack
}

func (f *Files) open() *store {
	s := &store{Files: f, format: f.Format, hash: object.NewHasher(f.Format), Unpacker: pack.NewUnpacker(basesSize)}
	s.Spools.Dir = f.Dir
	s.left.Store(f.Limit)
	s.ahead.objects = map[object.ID]object.Object{}
	return s
}

func (s *store) close() {
	for _, p := range s.packs {
		if p.pack != nil {
			_ = p.pack.Close()
		}
		if p.idx != nil {
			_ = p.idx.Close()
		}
		if p.base != "" {
			_ = os.Remove(p.base + ".idx")
			_ = os.Remove(p.base + ".pack") // it may not have come
		}
	}
}

// read finds an object: in packs that are here, in a file of its own, or in a
// pack that must come first.
func (s *store) read(ctx context.Context, id object.ID) (object.Object, error) {
	if o, ok := s.ahead.take(id); ok {
		return o, nil
	}
	for _, p := range s.packs {
		if p.pack != nil {
			if at, ok := p.idx.Find(id); ok {
				return s.unpack(id, p, at)
			}
		}
	}
	o, err := s.loose(ctx, id, s.hash, min(s.Limit, pack.MaxObject))
	if !errors.Is(err, fs.ErrNotExist) {
		s.ahead.most = min(max(s.ahead.most, readsAtOnce), aheadMost)
		return o, err
	}
	s.ahead.most = 0
	if err := s.list(ctx); err != nil {
		return o, err
	}
	for _, p := range s.packs {
		at, ok := p.idx.Find(id)
		if !ok {
			continue
		}
		if err := s.fetchPack(ctx, p); err != nil {
			return o, err
		}
		return s.unpack(id, p, at)
	}
	return o, s.missing(ctx, id)
}

// missing says why an object is not found.
func (s *store) missing(ctx context.Context, id object.ID) error {
	for _, path := range []string{"objects/info/http-alternates", "objects/info/alternates"} {
		if body, err := s.Get(ctx, path); err == nil {
			_ = body.Close()
			return fmt.Errorf("object %s is not in the repository, which borrows from others (%s): kitops does not follow that over a server without git; there, run git repack -a -d and git update-server-info", id, path)
		}
	}
	return fmt.Errorf("%w: %s (was git update-server-info run there?)", ErrGone, id)
}

func (s *store) unpack(id object.ID, p *remotePack, at int64) (object.Object, error) {
	o, err := s.Unpack(pack.Place{Pack: p.pack, Offset: at}, func(base object.ID) (pack.Place, pack.Base, error) {
		at, ok := p.idx.Find(base)
		if !ok {
			return pack.Place{}, pack.Base{}, fmt.Errorf("%s leans on %s, which is not in it", p.name, base)
		}
		return pack.Place{Pack: p.pack, Offset: at}, pack.Base{}, nil
	})
	if err != nil {
		return o, fmt.Errorf("%s: %s: %w", p.name, id, err)
	}
	return o, check(s.hash, id, o)
}

func check(hash *object.Hasher, id object.ID, o object.Object) error {
	if found, err := hash.Of(o); err != nil || found != id {
		return errors.Join(fmt.Errorf("%s %s is damaged on the server", o.Kind, id), err)
	}
	return nil
}

// body is a file of the server, of which no more is read than may come.
func (s *store) body(ctx context.Context, path string) (io.ReadCloser, error) {
	body, err := s.Get(ctx, path)
	if err != nil {
		return nil, err
	}
	return &counted{body, s}, nil
}

// counted takes what is read from what may come.
type counted struct {
	io.ReadCloser
	of *store
}

func (c *counted) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	if c.of.left.Add(-int64(n)) < 0 {
		return 0, disk.TooMuch(c.of.Limit)
	}
	return n, err
}

// loose reads an object that has a file of its own, of so many bytes at most. It
// is safe for concurrent use, each with a hasher of its own.
func (s *store) loose(ctx context.Context, id object.ID, hash *object.Hasher, most int64) (o object.Object, err error) {
	hex := id.String()
	body, err := s.body(ctx, "objects/"+hex[:2]+"/"+hex[2:])
	if err != nil {
		return o, err
	}
	defer func() { _ = body.Close() }()
	z, err := zlib.NewReader(body)
	if err != nil {
		return o, fmt.Errorf("object %s: %w", id, err)
	}
	data, err := io.ReadAll(io.LimitReader(z, most+64))
	if err != nil {
		return o, fmt.Errorf("object %s: %w", id, err)
	}
	head, content, ok := bytes.Cut(data[:min(len(data), 64)], []byte{0})
	name, size, ok2 := strings.Cut(string(head), " ")
	if !ok || !ok2 {
		return o, fmt.Errorf("object %s begins with %.20q", id, head)
	}
	if o.Kind, err = object.ParseKind(name); err != nil {
		return o, fmt.Errorf("object %s: %w", id, err)
	}
	o.Data = data[min(len(data), 64)-len(content):]
	if n, err := strconv.ParseInt(size, 10, 64); err != nil || n != int64(len(o.Data)) {
		return o, fmt.Errorf("object %s has not the size that it says, or more than %d bytes", id, most)
	}
	return o, check(hash, id, o)
}
