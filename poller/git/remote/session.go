package remote

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

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
// which saves a request; where that fails it begins as git does, with the
// question for refs and wherever that is redirected, and remembers what helped.
func (m *Access) Converse(ctx context.Context, do func(*Remote) error) error {
	if m.URL.Scheme == "ssh" {
		s, err := m.dialSSH(ctx)
		if err != nil {
			return err
		}
		defer s.close()
		return s.explain(ctx, m.listen(ctx, s, do))
	}
	s, err := m.dialHTTP(ctx)
	if err != nil {
		return err
	}
	listen, base, format := m.Memory.habit()
	if listen {
		return m.listen(ctx, s, do)
	}
	if base != "" {
		s.goTo(base)
	}
	s.version2, s.blind = true, true
	filters, _ := m.Memory.filtering()
	if err := do(&Remote{session: s, agent: s.agent, format: format, filters: filters, blind: true}); !errors.Is(err, errNotV2) {
		return err
	}
	s.version2, s.blind, s.httpAccount = false, false, s.given
	m.Memory.learn(true, "")
	return m.listen(ctx, s, do)
}

// ConverseKnown is Converse for requests that need to know what the server can do, at the price of a question where that was
// not asked lately.
func (m *Access) ConverseKnown(ctx context.Context, do func(*Remote) error) error {
	if _, known := m.Memory.filtering(); known || m.URL.Scheme == "ssh" {
		return m.Converse(ctx, do)
	}
	s, err := m.dialHTTP(ctx)
	if err != nil {
		return err
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
	if h, ok := s.(*httpSession); ok && h.plain {
		ad, err := h.readPlain(ctx, body)
		if err != nil {
			return CtxErr(ctx, err)
		}
		return do(&Remote{session: s, agent: m.agent(), ad: ad, plain: h})
	}
	r := bufio.NewReaderSize(body, maxPkt)
	if !saysVersion2(r) {
		p := newPktReader(r)
		ad, err := readAdvertisement(p)
		if err != nil {
			return CtxErr(ctx, err)
		}
		return do(&Remote{session: s, agent: m.agent(), format: p.format, ad: ad})
	}
	format, filters, err := readCapabilities(newPktReader(r))
	if err != nil {
		return fmt.Errorf("read capabilities: %w", CtxErr(ctx, err))
	}
	if h, ok := s.(*httpSession); ok {
		h.version2 = true
		if h.moved && spelledAnew(h.given.base, h.base) { // from now on there, without asking
			m.Memory.learn(false, h.base)
		}
		m.Memory.learnFormat(format)
		m.Memory.learnFilters(filters)
	}
	return do(&Remote{session: s, agent: m.agent(), format: format, filters: filters})
}

// spelledAnew says whether a redirect led to the same name with .git or without
// it. Any other may be that of a renamed repository, whose old name another one
// can get at any time: it is asked for again each time.
func spelledAnew(from, to string) bool {
	return strings.TrimSuffix(from, ".git") == strings.TrimSuffix(to, ".git")
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

// readCapabilities reads those of version 2, for the format of names.
func readCapabilities(p *pktReader) (f object.Format, filters bool, err error) {
	service := false
	for {
		line, kind, err := p.next()
		switch {
		case err != nil:
			return f, false, err
		case strings.HasPrefix(line, "# service="):
			service = true
		case kind == pktFlush && service:
			service = false
		case kind == pktFlush:
			return f, filters, nil
		}
		if features, is := strings.CutPrefix(line, "fetch="); is {
			filters = slices.Contains(strings.Fields(features), "filter")
		}
		if name, ok := strings.CutPrefix(line, objectFormat+"="); ok {
			if f, err = formatOf(name); err != nil {
				return f, false, err
			}
		}
	}
}
