package lfs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sync/errgroup"

	"github.com/bittrance/kitops/poller/bug"
	"github.com/bittrance/kitops/poller/files"
)

const (
	atOnce = 4 // objects that come at the same time
	tries  = 5 // of one object, as long as each brings some of it
)

// Fetch is what is to come into the directory of a store.
type Fetch struct {
	Dir     string
	Server  *Server
	Ref     string                    // that they are wanted for
	Through func(io.Reader) io.Reader // counts what comes, and sees that the disk has room for it
}

// Run fetches the objects that are not there, each once. What came of one before a failure is not asked for again.
func (f *Fetch) Run(ctx context.Context, wanted []Pointer) error {
	var missing []Pointer
	seen := map[Pointer]bool{} // with the size: of two of one content one is wrong, which the server says
	for _, p := range wanted {
		if p.Size > 0 && !seen[p] && !Has(f.Dir, p) {
			missing = append(missing, p)
		}
		seen[p] = true
	}
	for len(missing) > 0 {
		some := missing[:min(len(missing), perBatch)]
		missing = missing[len(some):]
		places, err := f.Server.batch(ctx, f.Ref, some)
		if err != nil {
			return err
		}
		if err := f.download(ctx, places); err != nil {
			return err
		}
	}
	return nil
}

// Local takes objects from where git-lfs keeps those of a repository on this host.
func (f *Fetch) Local(ctx context.Context, objects string, wanted []Pointer) error {
	for _, p := range wanted {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := f.local(filepath.Join(objects, p.OID[:2], p.OID[2:4], p.OID), p); err != nil {
			return p.wrong("%w", err)
		}
	}
	return nil
}

func (f *Fetch) local(from string, p Pointer) error {
	source, err := files.OpenRegular(from)
	if errors.Is(err, os.ErrNotExist) {
		return errors.New("the repository does not have it: git lfs fetch --all there gets it")
	}
	if err != nil {
		return err
	}
	defer func() { _ = source.Close() }()
	return f.into(p, func(d *download) error {
		if err := d.restart(); err != nil {
			return err
		}
		return d.take(d.Through(source))
	})
}

func (f *Fetch) download(ctx context.Context, places []place) error {
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for _, p := range places {
		group.Go(bug.Caught(func() error {
			if err := f.object(ctx, p); err != nil {
				return p.wrong("from %s: %w", p.href.Host, err)
			}
			return nil
		}))
	}
	return group.Wait()
}

// object fetches one, and goes on where it was cut off.
func (f *Fetch) object(ctx context.Context, p place) error {
	return f.into(p.Pointer, func(d *download) error {
		d.place = p
		return d.run(ctx)
	})
}

// into has an object come into the store that get takes.
func (f *Fetch) into(p Pointer, get func(*download) error) error {
	top, err := files.MakeDir(f.Dir, 0o700)
	if err != nil {
		return err
	}
	defer func() { _ = top.Close() }()
	below, err := top.Sub(p.OID[:2], 0o700)
	if err != nil {
		return err
	}
	_ = below.Close()
	file, err := files.OpenFile(path(f.Dir, p.OID)+unfinished, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	d := &download{Fetch: f, place: place{Pointer: p}, file: file, sum: sha256.New()}
	if err = get(d); err == nil && !d.right() {
		err = errors.Join(errors.New("what came is another content than its SHA-256 says"), d.restart())
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return os.Rename(file.Name(), filepath.Clean(path(f.Dir, p.OID)))
}

// download is one object on its way.
type download struct {
	*Fetch
	place
	file *os.File
	sum  hash.Hash
	have int64 // bytes that are in file and sum
}

func (d *download) run(ctx context.Context) error {
	if err := d.resume(); err != nil {
		return err
	}
	resumed := d.have > 0
	for try := 1; d.have < d.Size; try++ {
		before := d.have
		err := d.more(ctx)
		if err != nil && (ctx.Err() != nil || final(err) || d.have == before || try == tries) {
			return err
		}
	}
	if !resumed || d.right() {
		return nil
	}
	if err := d.restart(); err != nil { // what was there may be of another time
		return err
	}
	return d.run(ctx)
}

// right says whether all that came is what it is called.
func (d *download) right() bool {
	return d.have == d.Size && hex.EncodeToString(d.sum.Sum(nil)) == d.OID
}

// resume reads what came before.
func (d *download) resume() (err error) {
	d.have, err = io.Copy(d.sum, io.LimitReader(d.file, d.Size))
	if info, statErr := d.file.Stat(); err == nil && statErr == nil && info.Size() > d.Size {
		err = d.restart()
	}
	return err
}

func (d *download) restart() error {
	d.sum.Reset()
	d.have = 0
	_, err := d.file.Seek(0, io.SeekStart)
	return errors.Join(d.file.Truncate(0), err)
}

// more fetches what is missing.
func (d *download) more(ctx context.Context) error {
	req, err := http.NewRequest(http.MethodGet, d.href.String(), http.NoBody) //nolint:noctx // do has it
	if err != nil {
		return errFinal{errors.New("malformed address")}
	}
	req.Header.Set("Accept-Encoding", "identity") // the sizes are those of the content
	if d.have > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", d.have))
	}
	ctx, stalled := watched(ctx)
	defer stalled.stop()
	res, err := d.Server.do(ctx, d.Server.client(false), req, d.header)
	if err != nil {
		return stalled.explain(err)
	}
	defer func() { _ = res.Body.Close() }()
	switch {
	case res.StatusCode == http.StatusPartialContent && d.have > 0 && strings.HasPrefix(res.Header.Get("Content-Range"), fmt.Sprintf("bytes %d-", d.have)):
	case res.StatusCode == http.StatusOK:
		if d.have > 0 {
			err = d.restart()
		}
	case res.StatusCode == http.StatusRequestedRangeNotSatisfiable && d.have > 0:
		return errors.Join(errors.New("the server does not go on where it was cut off"), d.restart())
	default:
		err = refusedObject(res)
	}
	if err == nil && res.ContentLength >= 0 && res.ContentLength != d.Size-d.have {
		err = errFinal{fmt.Errorf("the server sends %d bytes, and the pointer says %d", res.ContentLength, d.Size-d.have)}
	}
	if err != nil {
		return err
	}
	return stalled.explain(d.take(stalled.reader(d.Through(res.Body))))
}

// take saves what comes, and no more than there should be.
func (d *download) take(r io.Reader) error {
	n, err := io.Copy(io.MultiWriter(d.file, d.sum), io.LimitReader(r, d.Size-d.have))
	d.have += n
	switch {
	case err != nil:
		return err
	case d.have < d.Size:
		return io.ErrUnexpectedEOF
	}
	if n, _ := io.ReadFull(r, make([]byte, 1)); n > 0 {
		return errFinal{fmt.Errorf("the server sends more than the %d bytes that the pointer says", d.Size)}
	}
	return nil
}

// refusedObject says what the status of an object's own address means.
func refusedObject(res *http.Response) error {
	switch code := res.StatusCode; {
	case outOfBudget(code, ""):
		return errFinal{ErrBudget}
	case code >= 500 || code == http.StatusTooManyRequests:
		return outOfOrder{fmt.Sprint(code)}
	}
	return errFinal{fmt.Errorf("the server answered %s", status(res))}
}

// errFinal is an error that another try would meet again.
type errFinal struct{ error }

func (e errFinal) Unwrap() error { return e.error }

func final(err error) bool {
	_, is := errors.AsType[errFinal](err)
	return is
}
