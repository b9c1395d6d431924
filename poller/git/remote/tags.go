package remote

import (
	"context"
	"fmt"
	"strings"

	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/refs"
)

// Tags of a remote.
const (
	MaxTagRefs = 10_000 // tags of a remote; with more of them a history comes without any
	TagPrefix  = "refs/tags/"
)

// Tag is a ref below refs/tags.
type Tag struct {
	Ref    string
	ID     object.ID
	Target object.ID // what it leads to: id where it is no object of its own
}

// tagRequest is ls-refs of gitprotocol-v2(5), for tags and what they lead to.
func tagRequest(agent string, f object.Format) []byte {
	return pkt(append(command("ls-refs", agent, f), "peel", "ref-prefix "+TagPrefix, flush)...)
}

// readTags reads the answer to a tagRequest: the first of them, and how many
// there are.
func readTags(p *pktReader) (tags []Tag, count int, err error) {
	room := advertisementRoom()
	for {
		line, kind, err := p.next()
		if err != nil {
			return nil, 0, err
		}
		if kind == pktFlush {
			return tags, count, nil
		}
		fields := strings.Split(line, " ")
		if kind != pktData || len(fields) < 2 {
			return nil, 0, errPkt
		}
		id, ok := p.format.ParseID(fields[0])
		if !ok {
			return nil, 0, errPkt
		}
		if err := room.take(line); err != nil {
			return nil, 0, err
		}
		if count++; len(fields[1]) > refs.MaxName {
			continue
		}
		t := Tag{Ref: fields[1], ID: id, Target: id}
		for _, attribute := range fields[2:] {
			if hex, ok := strings.CutPrefix(attribute, "peeled:"); ok {
				if t.Target, ok = p.format.ParseID(hex); !ok {
					return nil, 0, errPkt
				}
			}
		}
		if len(tags) <= MaxTagRefs {
			tags = append(tags, t)
		}
	}
}

// Tags asks for all tags. The server of version 0 has told them.
func (r *Remote) Tags(ctx context.Context) (tags []Tag, count int, err error) {
	if r.ad != nil {
		tags = r.ad.Tags()
		return tags, len(tags), nil
	}
	body, err := r.session.ask(ctx, tagRequest(r.agent, r.format))
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = body.Close() }()
	if tags, count, err = readTags(r.lines(body)); err != nil {
		return nil, 0, r.judge(ctx, fmt.Errorf("read tags: %w", err))
	}
	return tags, count, nil
}

// Tags are the tags among the refs.
func (ad *Advertisement) Tags() []Tag {
	var tags []Tag
	for ref, id := range ad.Refs {
		if !strings.HasPrefix(ref, TagPrefix) {
			continue
		}
		t := Tag{ref, id, id}
		if target, ok := ad.peeled[ref]; ok {
			t.Target = target
		}
		tags = append(tags, t)
	}
	return tags
}
