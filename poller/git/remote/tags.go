package remote

import (
	"context"
	"fmt"
	"strings"

	"github.com/bittrance/kitops/poller/git/object"
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
	err = readRefs(p, func(ref listedRef) {
		count++
		if len(tags) <= MaxTagRefs {
			tags = append(tags, Tag{Ref: ref.name, ID: ref.id, Target: ref.peeled})
		}
	})
	if err != nil {
		return nil, 0, err
	}
	return tags, count, nil
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
