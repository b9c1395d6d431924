package app

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"time"
)

const (
	// pullsAnew is after what time all open pull requests are listed again: what no page of changes told is found then.
	pullsAnew = 24 * time.Hour
	// overlap is by how much the pages of changes go back beyond the newest that is known: servers of GitHub may know a
	// change some seconds later than others.
	overlap = 2 * time.Minute

	mostPages = 1000 // of 100 pull requests, comments, reviews or statuses each
)

// Pull is an open pull request.
type Pull struct {
	Number int
	Author Account
	Draft  bool

	Head           string // the SHA
	HeadRef        string // the branch, in short
	HeadRepository string // owner/name; "" where it was deleted
	Fork           bool   // the head is in another repository, or in one that was deleted
	Owned          bool   // the author owns the repository of the head

	Base    string // the branch, in short
	BaseSHA string // where that was when GitHub looked last

	Created, Updated time.Time // by GitHub's clock; what people say of it updates it
	Insider          bool      // the author may be one who may write: GitHub shows him as somebody of the repository
}

// Account is who wrote something at GitHub.
type Account struct {
	ID    int64
	Login string
	Type  string // User, Bot, Organization
}

// Person is who may be asked about with MayPush.
func (a Account) Person() Person { return Person{ID: a.ID, Login: a.Login} }

// pulls are the open pull requests of a repository, as far as the last look got.
type pulls struct {
	looking mutex // guards the rest
	open    map[int]Pull
	etag    string    // of the first page of changes
	newest  time.Time // change that is known, by GitHub's clock
	listed  time.Time // when all were
}

// onePull is a pull request as lists have it.
type onePull struct {
	Number  int
	State   string
	Draft   bool
	Created time.Time `json:"created_at"`
	Updated time.Time `json:"updated_at"`
	Author  string    `json:"author_association"`
	User    *Account
	Head    side
	Base    side
}

// side is where a pull request comes from, or goes to.
type side struct {
	Ref, SHA string
	Repo     *struct {
		ID       int64
		FullName string `json:"full_name"`
		Owner    *Account
	}
}

// Pulls lists the open pull requests by their numbers. A look at which nothing has changed costs one conditional request, and
// else a page for each hundred that have. Needs pull_requests: read. The caller must not change what it gets.
// https://docs.github.com/rest/pulls/pulls#list-pull-requests
func (r *Repository) Pulls(ctx context.Context) ([]Pull, error) {
	p := &r.pulls
	if err := p.looking.lock(ctx); err != nil {
		return nil, err
	}
	defer p.looking.unlock()
	if err := r.follow(ctx); err != nil {
		return nil, err
	}
	if time.Since(p.listed) >= pullsAnew {
		if err := r.listPulls(ctx); err != nil {
			return nil, err
		}
	}
	if err := r.changedPulls(ctx); err != nil {
		return nil, err
	}
	return slices.SortedFunc(maps.Values(p.open), func(a, b Pull) int { return a.Number - b.Number }), nil
}

// listPulls reads all that are open. Where one was closed between two pages, another one is on neither of them: then they
// are read again.
func (r *Repository) listPulls(ctx context.Context) error {
	const most = 3
	for try := 1; ; try++ {
		several, err := r.readPulls(ctx)
		if err != nil {
			return err
		}
		before := r.pulls.newest
		if !several || try == most {
			return nil
		}
		if err := r.changedPulls(ctx); err != nil {
			return err
		}
		if r.pulls.newest.Equal(before) {
			return nil
		}
	}
}

// readPulls is one try of listPulls. It tells whether there were several pages.
func (r *Repository) readPulls(ctx context.Context) (several bool, err error) {
	p, begun := &r.pulls, time.Now()
	open, newest, count := map[int]Pull{}, time.Time{}, 0
	err = r.pages(ctx, "pulls?state=open&sort=updated&direction=desc&per_page=100", "", func(a answer) (bool, error) {
		count++
		if date, err := http.ParseTime(a.header.Get("Date")); count == 1 && err == nil {
			newest = date.Add(-time.Second) // whatever changed before is in the list, or closed
		}
		found, err := decodePulls(a)
		for _, one := range found {
			open[one.Number] = one.pull()
			if one.Updated.After(newest) {
				newest = one.Updated
			}
		}
		return true, err
	})
	if err != nil {
		return false, err
	}
	p.open, p.newest, p.listed, p.etag = open, newest, begun, ""
	return count > 1, nil
}

// changedPulls reads what has changed since the newest change that is known.
func (r *Repository) changedPulls(ctx context.Context) error {
	p := &r.pulls
	open, newest, etag := maps.Clone(p.open), p.newest, p.etag
	err := r.pages(ctx, "pulls?state=all&sort=updated&direction=desc&per_page=100", p.etag, func(a answer) (bool, error) {
		if etag == p.etag {
			etag = a.etag
		}
		found, err := decodePulls(a)
		for _, one := range found {
			if one.Updated.After(newest) {
				newest = one.Updated
			}
			if one.State == "open" {
				open[one.Number] = one.pull()
			} else {
				delete(open, one.Number)
			}
		}
		more := len(found) > 0 && !found[len(found)-1].Updated.Before(p.newest.Add(-overlap))
		return more, err
	})
	if err != nil {
		return err
	}
	p.open, p.newest, p.etag = open, newest, etag
	return nil
}

// pages reads a list page by page for as long as take wants more. Where the first is as etag says, take is not called.
func (r *Repository) pages(ctx context.Context, list, etag string, take func(answer) (more bool, err error)) error {
	return r.pagesWith(ctx, list, etag, permission{"pull_requests", "read"}, take)
}

// pagesWith is pages for a list that needs a permission.
func (r *Repository) pagesWith(ctx context.Context, list, etag string, needs permission, take func(answer) (more bool, err error)) error {
	for number := 1; number > 0; {
		if number > mostPages {
			return fmt.Errorf("GitHub lists %s without end", list)
		}
		path := r.path(false) + "/" + list
		if number > 1 {
			path, etag = fmt.Sprintf("%s&page=%d", path, number), ""
		}
		a, err := r.do(ctx, call{method: http.MethodGet, path: path, etag: etag, class: ordinary, needs: needs})
		if err != nil || a.unchanged() {
			return err
		}
		more, err := take(a)
		if err != nil {
			return err
		}
		if number = a.nextPage; !more {
			return nil
		}
	}
	return nil
}

// decodePulls refuses what is no list of pull requests, lest a proxy's page closes them all.
func decodePulls(a answer) ([]onePull, error) {
	var found []onePull
	if err := a.decode(&found); err != nil {
		return nil, err
	}
	for _, one := range found {
		if one.Number <= 0 || !isSHA(one.Head.SHA) || one.Base.Ref == "" || one.Updated.IsZero() {
			return nil, &DownError{errors.New("its list of pull requests is malformed")}
		}
	}
	return found, nil
}

// pull is what kitops knows of one.
func (o onePull) pull() Pull {
	p := Pull{
		Created: o.Created, Updated: o.Updated, Insider: slices.Contains([]string{"OWNER", "MEMBER", "COLLABORATOR"}, o.Author),
		Number: o.Number, Draft: o.Draft, Head: o.Head.SHA, HeadRef: o.Head.Ref, Base: o.Base.Ref, BaseSHA: o.Base.SHA, Fork: true,
	}
	if o.User != nil {
		p.Author = *o.User
	}
	if from := o.Head.Repo; from != nil {
		p.HeadRepository = from.FullName
		p.Fork = o.Base.Repo == nil || from.ID != o.Base.Repo.ID
		p.Owned = from.Owner != nil && from.Owner.ID != 0 && from.Owner.ID == p.Author.ID
	}
	return p
}

// Merge is what GitHub made of a pull request and its base.
type Merge struct {
	SHA      string // refs/pull/N/merge; "" while there is none
	Conflict bool   // there will be none
	Head     string // the head that the pull request has now
	BaseSHA  string
	Open     bool
	Pull     Pull // as it is now

	asked answer
}

// Merge asks what GitHub makes of a pull request and its base; it begins to work on that when it is asked.
// https://docs.github.com/rest/pulls/pulls#get-a-pull-request
func (r *Repository) Merge(ctx context.Context, number int) (Merge, error) {
	a, err := r.do(ctx, call{
		method: http.MethodGet, path: fmt.Sprintf("%s/pulls/%d", r.path(false), number), class: ordinary, needs: permission{"pull_requests", "read"},
	})
	if err != nil {
		return Merge{}, err
	}
	var one struct {
		onePull
		Mergeable *bool
		MergeSHA  string `json:"merge_commit_sha"`
	}
	if err := a.decode(&one); err != nil {
		return Merge{}, err
	}
	m := Merge{Head: one.Head.SHA, BaseSHA: one.Base.SHA, Open: one.State == "open", Pull: one.pull(), asked: a}
	if one.Mergeable != nil {
		m.Conflict = !*one.Mergeable
		if *one.Mergeable && isSHA(one.MergeSHA) {
			m.SHA = one.MergeSHA
		}
	}
	return m, nil
}
