package git

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/protocol/packp/capability"
)

const (
	maxTagRefs = 10_000 // tags of a remote; with more of them a history comes without any
	tagPrefix  = "refs/tags/"
)

// tag is a ref below refs/tags.
type tag struct {
	ref    string
	id     plumbing.Hash
	target plumbing.Hash // what it leads to: id where it is no object of its own
}

// tagRequest is ls-refs of gitprotocol-v2(5), for tags and what they lead to.
func tagRequest() []byte {
	return pkt("command=ls-refs", "agent="+capability.DefaultAgent(), delim, "peel", "ref-prefix "+tagPrefix, flush)
}

// readTags reads the answer to a tagRequest: the first of them, and how many
// there are.
func readTags(p *pktReader) (tags []tag, count int, err error) {
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
		id, ok := parseID(fields[0])
		if !ok {
			return nil, 0, errPkt
		}
		if count++; count > maxRefs {
			return nil, 0, fmt.Errorf("more than %d refs", maxRefs)
		}
		t := tag{ref: fields[1], id: id, target: id}
		for _, attribute := range fields[2:] {
			if hex, ok := strings.CutPrefix(attribute, "peeled:"); ok {
				if t.target, ok = parseID(hex); !ok {
					return nil, 0, errPkt
				}
			}
		}
		if len(tags) <= maxTagRefs {
			tags = append(tags, t)
		}
	}
}

// tags asks for all tags. The server of version 0 has told them.
func (r *remote) tags(ctx context.Context) (tags []tag, count int, err error) {
	if r.ad != nil {
		tags = r.ad.tags()
		return tags, len(tags), nil
	}
	body, err := r.session.ask(ctx, tagRequest())
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = body.Close() }()
	if tags, count, err = readTags(newPktReader(body)); err != nil {
		return nil, 0, r.judge(ctx, fmt.Errorf("read tags: %w", err))
	}
	return tags, count, nil
}

func (ad *advertisement) tags() []tag {
	var tags []tag
	for ref, id := range ad.refs {
		if !strings.HasPrefix(ref, tagPrefix) {
			continue
		}
		t := tag{ref, id, id}
		if target, ok := ad.peeled[ref]; ok {
			t.target = target
		}
		tags = append(tags, t)
	}
	return tags
}

// sound are the tags with names that git would give, in their order.
func sound(tags []tag) []tag {
	tags = slices.DeleteFunc(tags, func(t tag) bool {
		return !strings.HasPrefix(t.ref, tagPrefix) || !validRef(t.ref)
	})
	slices.SortFunc(tags, func(a, b tag) int { return strings.Compare(a.ref, b.ref) })
	return slices.CompactFunc(tags, func(a, b tag) bool { return a.ref == b.ref })
}

// tagged says whether the checkout has the tags of its history.
func (c *checkout) tagged() bool { return c.git != nil && c.kept.depth != 1 }

// choose keeps the tags of the remote, unless there are so many of them that
// each checkout would ask for a list without an end.
func (c *checkout) choose(ctx context.Context, tags []tag, count int) {
	c.tags = sound(tags)
	if count <= maxTagRefs {
		return
	}
	c.tags = nil
	if c.Log != nil && !c.crowded.Swap(true) {
		c.Log.WarnContext(ctx, "the repository has too many tags, checkouts have none", "url", c.URL.String(), "tags", count, "most", maxTagRefs)
	}
}

func (c *checkout) listTags(ctx context.Context, r *remote) error {
	tags, count, err := r.tags(ctx)
	if err != nil {
		return err
	}
	c.choose(ctx, tags, count)
	c.kept.tagged = c.kept.tagged[:0]
	for _, t := range c.tags {
		if t.id != t.target {
			c.kept.tagged = append(c.kept.tagged, t.id)
		}
	}
	return nil
}

// fetchTags drops the tags that lead elsewhere than into the history, and
// fetches those that did not come with it.
func (c *checkout) fetchTags(ctx context.Context, b *bare) error {
	part := b.store.has // all that came is part of a full history
	if b.depth != FullHistory {
		a, err := b.history(ctx, c.rev)
		if err != nil {
			return err
		}
		part = a.has
	}
	c.tags = keepTags(c.tags, part)
	w := wish{shallow: b.shallow, depth: FullHistory}
	for _, t := range c.tags {
		if t.id != t.target && !b.store.has(t.id) {
			w.want = append(w.want, t.id)
		}
	}
	if len(w.want) > 0 {
		w.have = b.commits()
		if err := c.access().converse(ctx, func(r *remote) error { return c.fetchMissing(ctx, r, b, w) }); err != nil {
			return err
		}
	}
	return c.checkTags(ctx, b.store)
}

// keepTags are those that lead into a history.
func keepTags(tags []tag, part func(plumbing.Hash) bool) []tag {
	return slices.DeleteFunc(tags, func(t tag) bool { return !part(t.target) })
}

func (c *checkout) fetchMissing(ctx context.Context, r *remote, b *bare, w wish) error {
	return c.ask(ctx, r, w, func(d *delivery) error {
		return b.takeIn(ctx, d, c.maxSize(), nil, func(whole *store) ([]plumbing.Hash, error) {
			for _, id := range w.want {
				if _, _, err := commitOf(ctx, id, whole.reader().read); err != nil {
					return nil, err
				}
			}
			return b.shallow, nil
		})
	})
}

// checkTags drops those that do not lead to where they are said to.
func (c *checkout) checkTags(ctx context.Context, s *store) error {
	r := s.reader()
	c.tags = slices.DeleteFunc(c.tags, func(t tag) bool {
		commit, _, err := commitOf(ctx, t.id, r.read)
		return err != nil || commit != t.target
	})
	return ctx.Err()
}
