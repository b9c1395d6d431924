package wiring

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/bittrance/kitops/app"
	"github.com/bittrance/kitops/cmd/kitops/settings"
	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/poller/git"
)

// baseMoved is for how long a merge counts that GitHub made of the base branch as it was before.
const baseMoved = time.Minute

// pulls are the pull requests of one task.
type pulls struct {
	settings.Pulls
	r         *Repository
	told      bool // actions get a file that tells of it
	strangers bool // there is somebody as whom their revisions run

	mu     sync.Mutex
	latest map[string]app.Pull // by ref; nil: nobody has answered yet
	bases  map[string]base     // of branches
	own    map[int64]allowed   // of authors who have forked by themselves, whether they may write

	second time.Duration // what pauses are counted in; 0: a second
	heard  heard
}

// base is where a branch was, and until when.
type base struct {
	now, before string
	moved       time.Time
}

// withPulls has a task watch pull requests, too.
func (r *Repository) withPulls(task *poller.Task, s settings.Settings, t settings.Task, w *Wiring) {
	if w.stranger.known {
		task.Foreign = w.foreign(s, t, r)
	}
	p := &pulls{Pulls: *t.Pulls, r: r, told: t.Checkout.DotGit, strangers: w.stranger.known, second: w.process.Second, bases: map[string]base{}}
	others := WithoutPulls(t.Refs)
	heads := task.Heads
	task.Heads = func(ctx context.Context, _ git.Patterns) ([]git.Revision, error) {
		var found []git.Revision
		if len(others) > 0 { // else the API tells all
			var err error
			if found, err = heads(ctx, others); err != nil {
				return nil, err
			}
		}
		open, err := p.look(ctx, others, found)
		if err != nil {
			return nil, err
		}
		found = append(slices.Clone(found), open...)
		slices.SortFunc(found, func(a, b git.Revision) int { return strings.Compare(a.Ref, b.Ref) })
		return found, nil
	}
	task.PullOf, task.Trust = p.of, p.trust
	if p.Approved {
		task.Said = func(ctx context.Context, about []poller.Talk) ([]poller.Word, error) {
			words, err := p.said(ctx, about)
			return words, later(err)
		}
		task.Admit = func(ctx context.Context, rev git.Revision, by poller.Person) error {
			return outage(p.admit(ctx, rev, by))
		}
		task.Answer = func(ctx context.Context, by poller.Person, heeded bool) { p.answer(ctx, by.Comment, heeded) }
	}
}

// WithoutPulls are the patterns of branches and tags: refs/pull/ is never listed.
func WithoutPulls(refs git.Patterns) git.Patterns {
	return slices.DeleteFunc(slices.Clone(refs), poller.IsPull)
}

// look lists the open pull requests that run. While the API does not answer they are as they were,
// so that branches do not wait for them.
func (p *pulls) look(ctx context.Context, others git.Patterns, branches []git.Revision) ([]git.Revision, error) {
	open, err := p.r.Pulls(ctx)
	if err == nil && p.Approved {
		p.askAuthors(ctx, open)
	}
	var down *app.DownError
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case errors.As(err, &down) && p.latest != nil && len(others) > 0:
	case err != nil:
		return nil, later(err)
	default:
		p.latest = map[string]app.Pull{}
		for _, one := range open {
			if p.runs(one, others) {
				p.latest[fmt.Sprintf("refs/pull/%d/head", one.Number)] = one
			}
		}
	}
	var all []git.Revision
	for ref, one := range p.latest {
		if !slices.ContainsFunc(branches, func(r git.Revision) bool { return r.SHA == one.Head && !r.IsTag() }) {
			all = append(all, git.Revision{Ref: ref, SHA: one.Head})
		}
	}
	return all, nil
}

// trustIn is the one place that tells how far a pull request is trusted: as who may push is one of the repository itself, by
// somebody whom nobody has named as untrusted.
func (p *pulls) trustIn(one app.Pull) poller.Trust {
	if !one.Fork && one.Author.ID != 0 && !slices.Contains(p.Untrusted, strings.ToLower(one.Author.Login)) {
		return poller.Trust{}
	}
	t := poller.Trust{Foreign: true, Approve: p.Approved && !p.mayWrite(one)}
	if !p.strangers {
		t.Barred = fmt.Sprintf("%s is not trusted, and what strangers have written runs only as a user of its own: --untrusted-user", cmp.Or(one.Author.Login, "who is gone"))
	}
	return t
}

// mayWrite tells of a fork whether its author is its only owner, and may write to the repository itself. The caller holds p.mu.
func (p *pulls) mayWrite(one app.Pull) bool {
	return one.Fork && one.Owned && one.Author.Type == "User" && !slices.Contains(p.Untrusted, strings.ToLower(one.Author.Login)) && p.own[one.Author.ID].may
}

const (
	mostAuthors  = 10 // of whom one look asks
	authorLasts  = 10 * time.Minute
	authorsKnown = 1000
)

// askAuthors asks of those who may have the right to write whether they do. Who is not asked about, or of whom GitHub does not
// tell, needs somebody else to approve.
func (p *pulls) askAuthors(ctx context.Context, open []app.Pull) {
	asked := 0
	for _, one := range open {
		if !one.Fork || !one.Owned || !one.Insider || one.Author.Type != "User" {
			continue
		}
		p.mu.Lock()
		known, there := p.own[one.Author.ID]
		p.mu.Unlock()
		if there && time.Now().Before(known.until) {
			continue
		}
		if asked++; asked > mostAuthors {
			return
		}
		may, err := p.r.MayPush(ctx, one.Author.Person())
		if err != nil {
			may = false
		}
		p.mu.Lock()
		if p.own == nil || len(p.own) > authorsKnown {
			p.own = map[int64]allowed{}
		}
		p.own[one.Author.ID] = allowed{may, time.Now().Add(authorLasts)}
		p.mu.Unlock()
	}
}

// stillMayWrite asks once more of an author whose run needs no approval, as it starts.
func (p *pulls) stillMayWrite(ctx context.Context, one app.Pull) (bool, error) {
	may, err := p.r.MayPush(ctx, one.Author.Person())
	if err == nil && !may {
		p.mu.Lock()
		p.own[one.Author.ID] = allowed{false, time.Now().Add(authorLasts)}
		p.mu.Unlock()
	}
	return may, err
}

// trustNow is trustIn for who does not hold p.mu.
func (p *pulls) trustNow(one app.Pull) poller.Trust {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.trustIn(one)
}

// trust is the poller's Trust. Of a pull request that no list has shown nothing is known.
func (p *pulls) trust(rev git.Revision) poller.Trust {
	if !poller.IsPull(rev.Ref) {
		return poller.Trust{}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	one, known := p.latest[rev.Ref]
	if !known {
		return poller.Trust{Foreign: true, Approve: true, Barred: "no list of pull requests has shown it yet"}
	}
	t := p.trustIn(one)
	if t.Foreign {
		t.Author, t.Most = cmp.Or(one.Author.Login, "who is gone"), p.Most
	}
	return t
}

// runs tells whether a pull request may run at all: one of a fork only with approval. One whose branch the task watches runs
// as that.
func (p *pulls) runs(one app.Pull, watched git.Patterns) bool {
	if one.Fork && !p.Approved || one.Draft && !p.Drafts {
		return false
	}
	if matched, _ := p.Base.Match("refs/heads/" + one.Base); len(p.Base) > 0 && !matched {
		return false
	}
	asBranch, _ := watched.Match("refs/heads/" + one.HeadRef)
	return !asBranch || one.Fork
}

// of asks for a pull request once more as its run starts.
func (p *pulls) of(ctx context.Context, rev git.Revision) (poller.Pull, error) {
	p.mu.Lock()
	one, known := p.latest[rev.Ref]
	p.mu.Unlock()
	if !known || one.Head != rev.SHA {
		return poller.Pull{}, git.ErrMoved
	}
	pull := poller.Pull{Number: one.Number, Base: one.Base, Head: one.Head, HeadRepository: one.HeadRepository}
	now, err := p.r.Merge(ctx, one.Number)
	switch {
	case err != nil:
		return pull, outage(err)
	case !now.Open, now.Head != rev.SHA, p.trustNow(now.Pull) != p.trustNow(one):
		return pull, git.ErrMoved
	}
	if trust := p.trustNow(one); trust.Foreign && p.Approved && !trust.Approve {
		if may, err := p.stillMayWrite(ctx, one); err != nil || !may {
			return pull, cmp.Or(outage(err), git.ErrMoved)
		}
	}
	if p.told {
		if pull.Payload, err = now.Payload(); err != nil {
			return pull, outage(err)
		}
	}
	switch {
	case !p.Merge:
		return pull, nil
	case now.Conflict:
		return pull, &poller.ConflictError{Base: one.Base}
	case now.SHA == "":
		return pull, &poller.PassingError{Err: errors.New("GitHub has not merged it with " + one.Base + " yet")}
	}
	pull.Merge = now.SHA
	return pull, p.merged(ctx, pull)
}

// merged makes sure that a merge is one of this head and the base branch as it is, or was a moment ago: GitHub makes
// them late, and leaves old ones behind.
func (p *pulls) merged(ctx context.Context, pull poller.Pull) error {
	parents, err := p.r.Parents(ctx, pull.Merge)
	if err != nil {
		return outage(err)
	}
	heads, err := p.r.Heads(ctx, []string{"refs/heads/" + pull.Base})
	if err != nil {
		return outage(err)
	}
	if len(heads) != 1 {
		return &poller.PassingError{Err: fmt.Errorf("its base branch %s is gone", pull.Base)}
	}
	if len(parents) != 2 || parents[1] != pull.Head || !p.isBase(pull.Base, parents[0], heads[0].SHA) {
		return &poller.PassingError{Err: fmt.Errorf("the merge that GitHub shows is not one of this head and %s", pull.Base)}
	}
	return nil
}

// isBase tells whether a branch is at a commit, or was a moment ago.
func (p *pulls) isBase(branch, sha, now string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	b := p.bases[branch]
	if b.now != now {
		b = base{now: now, before: b.now, moved: time.Now()}
		p.bases[branch] = b
	}
	return sha == now || sha == b.before && time.Since(b.moved) < baseMoved
}

// later tells the poller when a limit of GitHub ends.
func later(err error) error {
	var limit *app.LimitError
	if errors.As(err, &limit) {
		return &poller.LaterError{At: limit.Until, Err: err}
	}
	return err
}
