package remote

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"

	"github.com/bittrance/kitops/poller/git/ancestry"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/refs"
)

// wanted are the capabilities that git uses of those that are offered, in its
// order, gitprotocol-capabilities(5). Azure DevOps serves nobody without
// multi_ack, and Dulwich nobody without thin-pack and ofs-delta.
func wanted(offered capabilities, w FetchRequest, agent string) []string {
	var use []string
	for _, choice := range [][]capability.Capability{
		{capability.MultiACKDetailed, capability.MultiACK}, {capability.Sideband64k, capability.Sideband}, {capability.ThinPack}, {capability.NoProgress},
	} {
		if w.Alone && choice[0] == capability.ThinPack {
			continue
		}
		if i := slices.IndexFunc(choice, offered.has); i >= 0 {
			use = append(use, choice[i].String())
		}
	}
	if w.Tags && offered.has(capability.IncludeTag) {
		use = append(use, capability.IncludeTag.String())
	}
	if offered.has(capability.OFSDelta) {
		use = append(use, capability.OFSDelta.String())
	}
	if offered[capability.ObjectFormat] != "" && offered[capability.ObjectFormat] != object.SHA1.String() {
		use = append(use, objectFormat+"="+offered[capability.ObjectFormat])
	}
	if w.Filter != "" {
		use = append(use, capability.Filter.String())
	}
	if offered.has(capability.Agent) {
		use = append(use, "agent="+agent)
	}
	return use
}

// requestV0 asks in the words of the first protocol, gitprotocol-pack(5). A
// server that cannot cut the history sends it all, and cannot be told of one
// that is cut.
func requestV0(offered capabilities, w FetchRequest, agent string) []byte {
	var lines []string
	for i, id := range w.Want {
		line := "want " + id.String()
		if use := wanted(offered, w, agent); i == 0 && len(use) > 0 {
			line += " " + strings.Join(use, " ")
		}
		lines = append(lines, line)
	}
	cuts := offered.has(capability.Shallow)
	if cuts {
		for _, id := range w.Shallow {
			lines = append(lines, "shallow "+id.String())
		}
		if w.Depth != ancestry.FullHistory {
			lines = append(lines, "deepen "+strconv.Itoa(max(w.Depth, 1)))
		}
	}
	if w.Filter != "" {
		lines = append(lines, "filter "+w.Filter)
	}
	lines = append(lines, flush)
	if cuts || len(w.Shallow) == 0 {
		for _, id := range w.Have {
			lines = append(lines, "have "+id.String())
		}
	}
	return pkt(append(lines, "done")...)
}

func (r *Remote) fetchV0(ctx context.Context, w FetchRequest) (*FetchResponse, error) {
	if !r.ad.Gives(w.Want) {
		w.Want = r.ad.byTags(w.Want)
	}
	if !r.ad.Gives(w.Want) {
		if w.Want = r.ad.tips(); !w.Whole || len(w.Want) == 0 {
			return nil, ErrMoved
		}
		w.Have, w.Shallow, w.Depth = nil, nil, ancestry.FullHistory
	}
	body, err := r.session.ask(ctx, requestV0(r.ad.caps, w, r.agent))
	if err != nil {
		return nil, err
	}
	p := r.lines(body)
	shallow, err := readToPackV0(p)
	if err != nil {
		_ = body.Close()
		return nil, r.judge(ctx, fmt.Errorf("ask for the pack: %w", err))
	}
	return &FetchResponse{Reader: p, Body: body, Shallow: append(shallow, r.ad.shallow...), Filtered: w.Filter != ""}, nil
}

// readToPackV0 goes through what comes before the pack: where the history is
// cut, and which commits both sides have. Some servers leave the latter out.
func readToPackV0(p *pktReader) (shallow []object.ID, err error) {
	for {
		head, peeked := p.r.Peek(5)
		switch {
		case len(head) >= 4 && string(head[:4]) == "PACK":
			p.raw = true // no bands were agreed upon
			return shallow, nil
		case peeked == nil && head[4] >= 1 && head[4] <= 3:
			return shallow, nil
		}
		line, kind, err := p.next()
		if err != nil {
			return nil, err
		}
		word, hex, _ := strings.Cut(line, " ")
		switch {
		case kind != pktData, word == "ACK", word == "NAK", word == "unshallow":
		case word == "shallow":
			id, ok := p.format.ParseID(hex)
			if !ok {
				return nil, p.odd(line)
			}
			if shallow = append(shallow, id); len(shallow) > maxShallow {
				return nil, fmt.Errorf("the server cuts the history at more than %d commits", maxShallow)
			}
		default:
			return nil, p.odd(line)
		}
	}
}

// readAdvertisement reads what a server of version 0 says first.
func readAdvertisement(p *pktReader) (*Advertisement, error) {
	ad := newReading()
	if _, err := p.r.Peek(1); errors.Is(err, io.EOF) {
		return nil, errors.New("the server hung up without an answer")
	}
	first := true
	for {
		line, kind, err := p.next()
		switch {
		case err != nil:
			return nil, fmt.Errorf("read refs: %w", err)
		case kind == pktFlush && first && p.service:
			p.service = false // the preface of http has ended
			continue
		case kind == pktFlush && ad.refs.Len() == 0 && ad.Head.IsZero():
			return nil, ErrEmpty
		case kind == pktFlush:
			all := ad.end()
			all.guess()
			return all, nil
		case kind != pktData:
			return nil, fmt.Errorf("read refs: %w", errPkt)
		case first && strings.HasPrefix(line, "# service="):
			p.service = true
			continue
		case first && line == "version 1":
			continue
		}
		if first {
			var offered string
			line, offered, _ = strings.Cut(line, "\x00")
			ad.caps = parseCapabilities(offered)
			if p.format, err = formatOf(ad.caps[capability.ObjectFormat]); err != nil {
				return nil, err
			}
			if refs.Valid(ad.caps[capability.SymRef]) {
				ad.HeadRef = ad.caps[capability.SymRef]
			}
			first = false
		}
		if err := ad.add(line, p.format); err != nil {
			if err = fmt.Errorf("read refs: %w", err); errors.Is(err, errPkt) {
				err = fmt.Errorf("read refs: %w", p.odd(line))
			}
			return nil, err
		}
	}
}
