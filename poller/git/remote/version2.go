package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"

	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/refs"
)

// errNotV2 says that the answer is none of protocol version 2.
var errNotV2 = errors.New("the server does not speak protocol version 2")

// command begins a request. A server with SHA-1 may not know of formats, and
// takes who does not speak of them for one with SHA-1.
func command(name, agent string, f object.Format) []string {
	lines := []string{"command=" + name, "agent=" + agent}
	if f != object.SHA1 {
		lines = append(lines, objectFormat+"="+f.String())
	}
	return append(lines, delim)
}

// listRequest is ls-refs of gitprotocol-v2(5). Without prefixes it asks for all.
// What tags lead to is asked for where some are wanted.
func listRequest(agent string, f object.Format, prefixes []string) []byte {
	lines := append(command("ls-refs", agent, f), "symrefs")
	if slices.ContainsFunc(prefixes, func(p string) bool { return strings.HasPrefix(p, TagPrefix) }) {
		lines = append(lines, "peel")
	}
	for _, prefix := range prefixes {
		lines = append(lines, "ref-prefix "+prefix)
	}
	return pkt(append(lines, flush)...)
}

// listedRef is a line of the answer to ls-refs.
type listedRef struct {
	name   string // as long as nobody keeps it
	id     object.ID
	peeled object.ID // what a tag leads to, if that was asked for; else id
	target string    // of a symbolic ref, if that was asked for and git would give the name
}

// readRefs reads the answer to ls-refs. Names that are too long are no refs of
// git, so that they are nobody's.
func readRefs(p *pktReader, take func(listedRef)) error {
	room := refRoom{maxRefs, maxRefBytes}
	for {
		line, kind, err := p.next()
		if err != nil || kind == pktFlush {
			return err
		}
		hex, rest, _ := strings.Cut(line, " ")
		name, attributes, _ := strings.Cut(rest, " ")
		id, ok := p.format.ParseID(hex)
		if kind != pktData || name == "" || !ok {
			return p.odd(line)
		}
		if err := room.take(line); err != nil {
			return err
		}
		ref := listedRef{name: name, id: id, peeled: id}
		for attribute := range strings.SplitSeq(attributes, " ") {
			if hex, ok := strings.CutPrefix(attribute, "peeled:"); ok {
				if ref.peeled, ok = p.format.ParseID(hex); !ok {
					return p.odd(line)
				}
			}
			if target, ok := strings.CutPrefix(attribute, "symref-target:"); ok && refs.Valid(target) {
				ref.target = target
			}
		}
		if len(ref.name) <= refs.MaxName {
			take(ref)
		}
	}
}

// readList reads the answer to a listRequest.
func readList(p *pktReader) (*Advertisement, error) {
	ad := &Advertisement{}
	var all, peeled refs.Listing
	err := readRefs(p, func(ref listedRef) {
		if ref.name != refs.Head {
			all.Add(ref.name, ref.id.Bytes())
			if ref.peeled != ref.id {
				peeled.Add(ref.name, ref.peeled.Bytes())
			}
			return
		}
		if ad.Head = ref.id; ref.target != "" {
			ad.HeadRef = strings.Clone(ref.target)
			all.Add(ref.target, ref.id.Bytes())
		}
	})
	if err != nil {
		return nil, err
	}
	ad.Refs, ad.peeled = all.List(), peeled.List()
	return ad, nil
}

// Remote is a conversation whose version is settled.
type Remote struct {
	session session
	agent   string         // what kitops calls itself
	format  object.Format  // of the remote's names
	blind   bool           // version 2 is only assumed
	filters bool           // it is known to take filters
	ad      *Advertisement // of version 0, or of a server without git; nil: version 2
	plain   *httpSession   // that server; nil: there is git
}

// List asks for refs. The server of version 0 has told all of them.
func (r *Remote) List(ctx context.Context, prefixes []string) (*Advertisement, error) {
	if r.ad != nil {
		return r.ad, nil
	}
	body, err := r.session.ask(ctx, listRequest(r.agent, r.format, prefixes))
	if err != nil {
		return nil, err
	}
	defer func() { _ = body.Close() }()
	p := r.lines(body)
	defer p.release()
	ad, err := readList(p)
	if err != nil {
		return nil, r.judge(ctx, fmt.Errorf("read refs: %w", err))
	}
	return ad, nil
}

// Fetch asks for a pack, which may lean on what the wish says is here.
func (r *Remote) Fetch(ctx context.Context, w FetchRequest) (*FetchResponse, error) {
	if !r.takesFilters() {
		w.Filter = ""
	}
	switch {
	case w.Lacking && w.Filter == "":
		return nil, ErrUnfiltered
	case r.plain != nil:
		return r.plain.fetch(ctx, w)
	case len(w.Want) > 0 && !r.format.Is(w.Want[0]):
		return nil, r.otherFormat()
	case r.ad != nil:
		return r.fetchV0(ctx, w)
	}
	if w.Whole {
		return nil, ErrMoved // git gives every commit in this version
	}
	body, err := r.session.ask(ctx, w.fetchRequest(r.agent, r.format))
	if err != nil {
		return nil, err
	}
	p := r.lines(body)
	shallow, err := readToPack(p)
	if err != nil {
		_ = body.Close()
		return nil, r.judge(ctx, fmt.Errorf("ask for the pack: %w", err))
	}
	return &FetchResponse{Reader: p, Body: body, Shallow: shallow, Filtered: w.Filter != ""}, nil
}

func (r *Remote) takesFilters() bool {
	if r.ad != nil {
		return r.ad.caps.has(capability.Filter)
	}
	return r.filters
}

// otherFormat says that what is wanted has no name of the remote's format: that
// is only assumed, or the repository was made anew.
func (r *Remote) otherFormat() error {
	if r.blind {
		return errNotV2
	}
	return ErrMoved
}

// lines reads an answer.
func (r *Remote) lines(body io.Reader) *pktReader {
	p := newPktReader(body)
	p.format = r.format
	return p
}

// judge says whether a failed answer was one at all.
func (r *Remote) judge(ctx context.Context, err error) error {
	var said *serverError
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case errors.As(err, &said) && refused(said.text):
		return ErrMoved
	case r.blind:
		return fmt.Errorf("%w: %w", errNotV2, err)
	}
	return err
}

// refused recognises the words of git and of JGit for a commit that is gone.
func refused(text string) bool {
	return strings.Contains(text, "not our ref") || strings.Contains(text, "want ") && strings.Contains(text, "not valid")
}
