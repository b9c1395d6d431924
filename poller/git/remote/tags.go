package remote

import (
	"context"
	"fmt"
	"slices"
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
	err = readRefs(p, func(ref listedRef) {
		count++
		if len(tags) <= MaxTagRefs {
			tags = append(tags, Tag{Ref: strings.Clone(ref.name), ID: ref.id, Target: ref.peeled})
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
		tags, count = r.ad.Tags()
		return tags, count, nil
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

// Peeled is what an annotated tag leads to, where the remote has told that.
func (ad *Advertisement) Peeled(tag string) (sha string, ok bool) { return ad.peeled.Find(tag) }

// byTags names tags in the place of the commits that they lead to: a server of
// version 0 may give a commit only with the tag that is at it.
func (ad *Advertisement) byTags(want []object.ID) []object.ID {
	want = slices.Clone(want)
	for i, id := range want {
		sha := id.String()
		at := slices.IndexFunc(ad.peeled, func(r refs.Revision) bool { return r.SHA == sha })
		if at >= 0 {
			want[i] = ad.at(ad.peeled[at].Ref)
		}
	}
	return want
}

// Tags are the tags among the refs: the first of them, and how many there are.
func (ad *Advertisement) Tags() (tags []Tag, count int) {
	for _, r := range ad.Refs {
		if !strings.HasPrefix(r.Ref, TagPrefix) {
			continue
		}
		if count++; len(tags) > MaxTagRefs {
			continue
		}
		id, _ := object.ParseID(r.SHA) // it was made of one
		t := Tag{r.Ref, id, id}
		if target, ok := ad.peeled.Find(r.Ref); ok {
			t.Target, _ = object.ParseID(target)
		}
		tags = append(tags, t)
	}
	return tags, count
}
