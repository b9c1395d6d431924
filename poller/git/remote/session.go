package remote

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/go-git/go-git/v5/plumbing/format/pktline"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/sideband"

	"github.com/bittrance/kitops/poller/git/address"
	"github.com/bittrance/kitops/poller/git/ancestry"
	"github.com/bittrance/kitops/poller/git/object"
)

// session is one conversation with a remote's upload-pack: what the server says
// first, then requests and their answers. Everything in it ends when the
// context it was dialled with does. It is for one goroutine.
type session interface {
	greeting(ctx context.Context) (io.ReadCloser, error)
	ask(ctx context.Context, request []byte) (io.ReadCloser, error)
	close()
}

// Converse makes a conversation for do. Over http it first assumes version 2,
// which saves a request; where that fails it listens to the server first, then
// and later on.
func (m *Access) Converse(ctx context.Context, do func(*Remote) error) error {
	if m.URL.Scheme == "ssh" {
		s, err := m.dialSSH(ctx)
		if err != nil {
			return err
		}
		defer s.close()
		return m.listen(ctx, s, do)
	}
	s, err := m.dialHTTP(ctx)
	if err != nil {
		return err
	}
	if !m.Discover.Load() {
		s.version2, s.blind = true, true
		if err := do(&Remote{session: s, blind: true}); !errors.Is(err, errNotV2) {
			return err
		}
		s.version2, s.blind = false, false
		m.Discover.Store(true)
	}
	return m.listen(ctx, s, do)
}

// listen hears which version the server speaks, and does that.
func (m *Access) listen(ctx context.Context, s session, do func(*Remote) error) error {
	body, err := s.greeting(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = body.Close() }()
	r := bufio.NewReaderSize(body, maxPkt)
	if !saysVersion2(r) {
		ad, err := readAdvertisement(ctx, r)
		if err != nil {
			return err
		}
		return do(&Remote{session: s, ad: ad})
	}
	if err := readCapabilities(newPktReader(r)); err != nil {
		return fmt.Errorf("read capabilities: %w", CtxErr(ctx, err))
	}
	if h, ok := s.(*httpSession); ok {
		h.version2 = true
		m.Discover.Store(h.moved) // from now on without asking, unless that is answered by a redirect
	}
	return do(&Remote{session: s})
}

// saysVersion2 looks at the first line, or the one behind that of http.
func saysVersion2(r *bufio.Reader) bool {
	at := 0
	for range 3 {
		b, err := r.Peek(at + 4)
		if err != nil {
			return false
		}
		n, err := strconv.ParseUint(string(b[at:]), 16, 16)
		if err != nil || n > maxPkt || n > 0 && n < 4 {
			return false
		}
		if n == 0 {
			at += 4
			continue
		}
		if b, err = r.Peek(at + int(n)); err != nil {
			return false
		}
		line := string(b[at+4:])
		if !strings.HasPrefix(line, "# service=") {
			return strings.TrimSpace(line) == "version 2"
		}
		at += int(n)
	}
	return false
}

func readCapabilities(p *pktReader) error {
	service := false
	for {
		line, kind, err := p.next()
		switch {
		case err != nil:
			return err
		case line == "object-format=sha256":
			return object.ErrSHA256
		case strings.HasPrefix(line, "# service="):
			service = true
		case kind == pktFlush && service:
			service = false
		case kind == pktFlush:
			return nil
		}
	}
}

// fetchV0 asks in the words of the first protocol.
func fetchV0(ctx context.Context, s session, ad *Advertisement, w FetchRequest) (*FetchResponse, error) {
	if !ad.Gives(w.Want) {
		if w.Want = ad.tips(); !w.Whole || len(w.Want) == 0 {
			return nil, ErrMoved
		}
		w.Have, w.Shallow, w.Depth = nil, nil, ancestry.FullHistory
	}
	request := newRequest(ad.caps, w)
	var message strings.Builder
	if err := request.UploadRequest.Encode(&message); err != nil {
		return nil, err
	}
	if err := request.UploadHaves.Encode(&message, false); err != nil {
		return nil, err
	}
	if err := pktline.NewEncoder(&message).EncodeString("done\n"); err != nil {
		return nil, err
	}
	body, err := s.ask(ctx, []byte(message.String()))
	if err != nil {
		return nil, err
	}
	response := packp.NewUploadPackResponse(request)
	if err := response.Decode(body); err != nil {
		_ = body.Close()
		var line *pktline.ErrorLine
		if errors.As(err, &line) && refused(line.Text) {
			return nil, ErrMoved
		}
		return nil, fmt.Errorf("ask for the pack: %w", CtxErr(ctx, err))
	}
	var pack io.Reader = response
	switch {
	case request.Capabilities.Supports(capability.Sideband64k):
		pack = sideband.NewDemuxer(sideband.Sideband64k, response)
	case request.Capabilities.Supports(capability.Sideband):
		pack = sideband.NewDemuxer(sideband.Sideband, response)
	}
	return &FetchResponse{pack, body, append(response.Shallows, ad.shallow...)}, nil
}

// Access is how one remote is reached: where, and with whose credentials.
type Access struct {
	URL                        address.URL
	Auth                       Auth
	Transport                  http.RoundTripper
	SSHKeyFile, SSHAgent, Home string
	Discover                   *atomic.Bool
}
