package wiring

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/poller"
)

const (
	mostReviewed   = 20                 // pull requests whose reviews one look asks for
	heardLately    = 10 * time.Minute   // by so much comments are read again
	heardAtMost    = 7 * 24 * time.Hour // older comments than these are not read
	permissionLast = 30                 // seconds for which it is believed who may write, while words are read
)

// heardAgain is after how many seconds it is asked again what was said of a pull request that has changed: some of what
// GitHub knows it does not tell at once.
func heardAgain() []int { return []int{5, 20, 60} }

// heard is what is known of what people say of the pull requests of a task. It is used by one goroutine.
type heard struct {
	read  time.Time          // the newest of what was read, by GitHub's clock
	asked map[string]askedOf // by ref
	done  map[int64]bool     // comments that have an answer, or that those wrote who may not
	may   map[int64]allowed  // by person
}

// askedOf is when it was asked about a pull request.
type askedOf struct {
	sha     string
	updated time.Time // as the list had it
	times   int
	next    time.Time
}

// allowed is whether a person may write, and until when that is believed.
type allowed struct {
	may   bool
	until time.Time
}

// said is the poller's Said: comments and reviews are asked for only when a pull request has changed that people may speak of.
func (p *pulls) said(ctx context.Context, about []poller.Talk) (words []poller.Word, err error) {
	if p.heard.asked == nil {
		p.heard = heard{asked: map[string]askedOf{}, done: map[int64]bool{}, may: map[int64]allowed{}}
	}
	fresh := p.changed(about, time.Now())
	if len(fresh) == 0 {
		return nil, nil
	}
	comments, err := p.r.Comments(ctx, p.since(fresh))
	if err != nil {
		return nil, err
	}
	for _, c := range comments {
		if p.heard.done[c.ID] {
			continue
		}
		word, wants := commandIn(c, fresh)
		if !wants {
			p.puzzle(ctx, c, fresh)
			continue
		}
		may, err := p.mayOrder(ctx, c.Author)
		if err != nil {
			return nil, err
		}
		if !may {
			p.done(c.ID)
			p.r.log.Info("a comment has no effect: who wrote it may not write to the repository", "ref", word.Revision.Ref, "by", c.Author.Login)
			continue
		}
		words = append(words, word)
		on := slices.IndexFunc(fresh, func(t talk) bool { return t.Revision == word.Revision })
		fresh[on].put = fresh[on].put || word.What != poller.Cancel
	}
	reviewed := 0
	for i, one := range fresh {
		if !one.Waits || slices.ContainsFunc(words, func(w poller.Word) bool { return w.Revision == one.Revision && w.What == poller.Approve }) {
			continue
		}
		if reviewed++; reviewed > mostReviewed {
			fresh[i].put = true // off to the next look
			continue
		}
		word, wants, err := p.reviewOf(ctx, one)
		if err != nil {
			return nil, err
		}
		if wants {
			fresh[i].put = true
			words = append(words, word)
		}
	}
	p.heed(fresh, comments)
	return words, nil
}

// talk is a pull request about which it is asked now.
type talk struct {
	poller.Talk
	pull app.Pull
	put  bool // off, also until the state has the order that somebody gave
}

// changed are those that have changed since it was asked about them, or about which it is asked again, the newest first.
func (p *pulls) changed(about []poller.Talk, now time.Time) (fresh []talk) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, one := range about {
		pull, known := p.latest[one.Revision.Ref]
		if !known || pull.Head != one.Revision.SHA {
			continue
		}
		before, asked := p.heard.asked[one.Revision.Ref]
		news := !asked || before.sha != pull.Head || pull.Updated.After(before.updated)
		if news || before.times <= len(heardAgain()) && !now.Before(before.next) {
			fresh = append(fresh, talk{Talk: one, pull: pull})
		}
	}
	slices.SortFunc(fresh, func(a, b talk) int { return b.pull.Updated.Compare(a.pull.Updated) })
	return fresh
}

// since is when the first comment may have been written that concerns one of them.
func (p *pulls) since(fresh []talk) time.Time {
	floor := time.Now().Add(-heardAtMost)
	from := p.heard.read.Add(-heardLately)
	if p.heard.read.IsZero() {
		from = fresh[0].pull.Created
		for _, one := range fresh {
			if one.pull.Created.Before(from) {
				from = one.pull.Created
			}
		}
	}
	if from.Before(floor) {
		return floor
	}
	return from
}

// heed notes what was asked and read.
func (p *pulls) heed(fresh []talk, comments []app.Comment) {
	for _, one := range fresh {
		if one.put {
			continue
		}
		ref := one.Revision.Ref
		now := askedOf{sha: one.pull.Head, updated: one.pull.Updated, times: 1}
		if before := p.heard.asked[ref]; before.sha == now.sha && !now.updated.After(before.updated) {
			now.times = before.times + 1
		}
		if again := heardAgain(); now.times <= len(again) {
			now.next = time.Now().Add(time.Duration(again[now.times-1]) * cmp.Or(p.second, time.Second))
		}
		p.heard.asked[ref] = now
		if one.pull.Updated.After(p.heard.read) {
			p.heard.read = one.pull.Updated
		}
	}
	for _, c := range comments {
		if c.At.After(p.heard.read) {
			p.heard.read = c.At
		}
	}
}

// done has a comment be read no more.
func (p *pulls) done(comment int64) {
	if len(p.heard.done) > doneKnown {
		clear(p.heard.done)
	}
	p.heard.done[comment] = true
}

// mayOrder tells whether an account may write to the repository, as far as that matters to those who read words: as a run
// starts GitHub is asked again.
func (p *pulls) mayOrder(ctx context.Context, a app.Account) (bool, error) {
	if known, there := p.heard.may[a.ID]; there && time.Now().Before(known.until) {
		return known.may, nil
	}
	may, err := p.r.MayPush(ctx, a.Person())
	if err != nil {
		return false, err
	}
	if len(p.heard.may) > 1000 {
		clear(p.heard.may)
	}
	p.heard.may[a.ID] = allowed{may, time.Now().Add(permissionLast * cmp.Or(p.second, time.Second))}
	return may, nil
}
