package remote

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"strings"

	"github.com/bittrance/kitops/poller/git/ancestry"
	"github.com/bittrance/kitops/poller/git/dumb"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/refs"
)

// plainBody is an answer of which the beginning was read.
type plainBody struct {
	*bufio.Reader
	io.Closer
}

// plainList recognises info/refs of a server without git, or gives how the
// answer begins that is none. An empty one lists no refs, if HEAD is there, too.
func plainList(body io.ReadCloser) (list io.ReadCloser, said string, ok bool) {
	r := bufio.NewReaderSize(body, 4096)
	head, err := r.Peek(80)
	if len(head) == 0 && errors.Is(err, io.EOF) {
		return plainBody{r, body}, "", true
	}
	hex, _, _ := strings.Cut(string(head), "\t")
	if _, ok = object.ParseID(hex); ok && len(hex) == len(strings.TrimSpace(hex)) {
		return plainBody{r, body}, "", true
	}
	return nil, string(head), false
}

// readPlain reads what git update-server-info has written down, and HEAD.
func (s *httpSession) readPlain(ctx context.Context, list io.Reader) (*Advertisement, error) {
	all := newReading()
	var format object.Format
	lines := bufio.NewScanner(list)
	lines.Buffer(nil, 2*refs.MaxName)
	for lines.Scan() {
		hex, name, _ := strings.Cut(lines.Text(), "\t")
		if id, ok := object.ParseID(hex); ok && all.refs.Len() == 0 {
			format = id.Format() // the first says what all are
		}
		if err := all.add(hex+" "+name, format); err != nil {
			return nil, fmt.Errorf("read info/refs: %w", err)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("read info/refs: %w", err)
	}
	ad := all.end()
	never := *s.client // what is behind a list is where the list is, as git has it
	never.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	s.client = &never
	head, err := s.file(ctx, refs.Head)
	if err != nil {
		return nil, fmt.Errorf("read HEAD: %w", err)
	}
	defer func() { _ = head.Close() }()
	text, err := io.ReadAll(io.LimitReader(head, refs.MaxName))
	if err != nil {
		return nil, fmt.Errorf("read HEAD: %w", err)
	}
	if target, symbolic := strings.CutPrefix(string(text), "ref:"); symbolic {
		ad.HeadRef = strings.TrimSpace(target)
		ad.Head = ad.at(ad.HeadRef)
	} else if ad.Head, symbolic = object.ParseID(string(text)); !symbolic {
		return nil, fmt.Errorf("no git repository: its HEAD begins with %.60q", text)
	}
	if ad.HeadRef != "" && !refs.Valid(ad.HeadRef) {
		return nil, fmt.Errorf("its HEAD names %.60q, which git would not give a branch", ad.HeadRef)
	}
	if len(ad.Refs) == 0 && ad.Head.IsZero() {
		return nil, ErrEmpty
	}
	return ad, nil
}

// file opens one below the repository.
func (s *httpSession) file(ctx context.Context, path string) (io.ReadCloser, error) {
	res, reused, err := s.once(ctx, http.MethodGet, "/"+path, nil)
	if err != nil && reused && ctx.Err() == nil {
		res, _, err = s.once(ctx, http.MethodGet, "/"+path, nil)
	}
	if err != nil {
		return nil, CtxErr(ctx, withoutAddress(err))
	}
	if err = s.refusal(res); err == nil {
		err = unpacked(res)
	} else {
		_ = res.Body.Close()
	}
	if res.StatusCode == http.StatusNotFound || res.StatusCode == http.StatusGone {
		err = fs.ErrNotExist
	}
	if err != nil {
		return nil, err
	}
	return &drained{res.Body}, nil
}

// fetch makes a pack of the objects that are wanted.
func (s *httpSession) fetch(ctx context.Context, w FetchRequest) (*FetchResponse, error) {
	if len(w.Want) == 0 || w.Local.Has == nil {
		return nil, errors.New("nothing is asked for")
	}
	files := &dumb.Files{Get: s.file, Format: w.Want[0].Format(), Dir: w.Local.Dir, Limit: w.Local.Limit, Room: w.Local.Room}
	want := dumb.Request{Want: w.Want, Shallow: map[object.ID]bool{}, Depth: w.Depth, Has: w.Local.Has, Read: w.Local.Read}
	if w.Depth == ancestry.FullHistory {
		want.Depth = -1
	}
	for _, id := range w.Shallow {
		want.Shallow[id] = true
	}
	pack, err := files.Fetch(ctx, want)
	if errors.Is(err, dumb.ErrGone) {
		return nil, fmt.Errorf("%w: %w", ErrMoved, err)
	}
	if err != nil {
		return nil, fmt.Errorf("fetch from a server without git: %w", CtxErr(ctx, err))
	}
	return &FetchResponse{Reader: pack, Body: pack, Shallow: pack.Cut}, nil
}
