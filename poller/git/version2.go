package git

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
)

const maxRefs = 8 << 20

// errNotV2 says that the answer is none of protocol version 2.
var errNotV2 = errors.New("the server does not speak protocol version 2")

// refPrefixes ask for no more refs than the patterns may select. HEAD is always
// among them, so that an answer without any ref says that it cannot be trusted.
func refPrefixes(patterns Patterns) []string {
	prefixes := []string{head}
	for _, pattern := range patterns {
		if !strings.HasPrefix(pattern, "!") && pattern != head {
			prefixes = append(prefixes, pattern[:wildcard(pattern)])
		}
	}
	slices.Sort(prefixes)
	return slices.Compact(prefixes)
}

// wildcard is where the first one is, or the end.
func wildcard(pattern string) int {
	if i := strings.IndexAny(pattern, `*?[{\`); i >= 0 {
		return i
	}
	return len(pattern)
}

// listRequest is ls-refs of gitprotocol-v2(5). Without prefixes it asks for all.
func listRequest(prefixes []string) []byte {
	lines := []string{"command=ls-refs", "agent=" + capability.DefaultAgent(), delim, "symrefs"}
	for _, prefix := range prefixes {
		lines = append(lines, "ref-prefix "+prefix)
	}
	return pkt(append(lines, flush)...)
}

// readList reads the answer to a listRequest.
func readList(p *pktReader) (*advertisement, error) {
	ad := &advertisement{refs: map[string]plumbing.Hash{}}
	for {
		line, kind, err := p.next()
		if err != nil {
			return nil, err
		}
		if kind == pktFlush {
			return ad, nil
		}
		fields := strings.Split(line, " ")
		if kind != pktData || len(fields) < 2 {
			return nil, errPkt
		}
		sha, ok := parseID(fields[0])
		if !ok || fields[1] == "" {
			return nil, errPkt
		}
		if fields[1] != head {
			ad.refs[fields[1]] = sha
			if len(ad.refs) > maxRefs {
				return nil, fmt.Errorf("more than %d refs", maxRefs)
			}
			continue
		}
		ad.head = sha
		for _, attribute := range fields[2:] {
			if target, ok := strings.CutPrefix(attribute, "symref-target:"); ok {
				ad.headRef = target
				ad.refs[target] = sha
			}
		}
	}
}

// remote is a conversation whose version is settled.
type remote struct {
	session session
	blind   bool           // version 2 is only assumed
	ad      *advertisement // of version 0; nil: version 2
}

// list asks for refs. The server of version 0 has told all of them.
func (r *remote) list(ctx context.Context, prefixes []string) (*advertisement, error) {
	if r.ad != nil {
		return r.ad, nil
	}
	body, err := r.session.ask(ctx, listRequest(prefixes))
	if err != nil {
		return nil, err
	}
	defer func() { _ = body.Close() }()
	ad, err := readList(newPktReader(body))
	if err != nil {
		return nil, r.judge(ctx, fmt.Errorf("read refs: %w", err))
	}
	return ad, nil
}

// fetch asks for a pack, which may lean on what the wish says is here.
func (r *remote) fetch(ctx context.Context, w wish) (*delivery, error) {
	if r.ad != nil {
		return fetchV0(ctx, r.session, r.ad, w)
	}
	if w.whole {
		return nil, ErrMoved // git gives every commit in this version
	}
	body, err := r.session.ask(ctx, w.fetchRequest())
	if err != nil {
		return nil, err
	}
	p := newPktReader(body)
	shallow, err := readToPack(p)
	if err != nil {
		_ = body.Close()
		return nil, r.judge(ctx, fmt.Errorf("ask for the pack: %w", err))
	}
	return &delivery{p, body, shallow}, nil
}

// judge says whether a failed answer was one at all.
func (r *remote) judge(ctx context.Context, err error) error {
	var said *serverError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &said) && refused(said.text):
		return ErrMoved
	case errors.As(err, &said) && strings.Contains(said.text, "object format"):
		return errSHA256
	case r.blind:
		return fmt.Errorf("%w: %w", errNotV2, err)
	}
	return err
}

// refused recognises the words of git and of JGit for a commit that is gone.
func refused(text string) bool {
	return strings.Contains(text, "not our ref") || strings.Contains(text, "want ") && strings.Contains(text, "not valid")
}
