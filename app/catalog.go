package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

// Found is a repository that an installation of the App covers.
type Found struct {
	ID                         int64
	Owner, Name, DefaultBranch string
	Formerly                   []string // what the owner was called before, as far as this App has seen
}

// Reach is what the App reaches on one account.
type Reach struct {
	Account      string
	Settings     string // the installation's settings page
	Repositories []Found
}

// catalog is what was last listed. It is guarded by App.listing.
type catalog struct {
	installations []listed[grant]
	repositories  map[int64][]listed[repositoryEntry] // by installation
}

// listed is one page of a listing, kept to be asked for conditionally.
type listed[T any] struct {
	etag  string
	next  int // page; 0: this is the last
	items []T
}

// repositoryEntry is what the listing says of a repository.
type repositoryEntry struct {
	ID       int64  `json:"id"`
	Name     string `json:"name"`
	Archived bool   `json:"archived"`
	Disabled bool   `json:"disabled"`
	Default  string `json:"default_branch"`
	Owner    struct {
		Login string `json:"login"`
	} `json:"owner"`
}

// maxPages ends a listing that has no end.
const maxPages = 1000

// maxReadings is how often a listing is read that changes between its pages.
const maxReadings = 3

// Repositories lists the repositories that all installations of the App cover,
// without archived and disabled ones, sorted by owner and name. With an error
// it returns what it last knew of the installations that did not answer or are
// suspended: a repository is gone only when GitHub says so. Callers take turns.
func (a *App) Repositories(ctx context.Context) ([]Found, error) {
	reaches, err := a.list(ctx)
	errs := []error{err}
	var all []Found
	for _, r := range reaches {
		all, errs = append(all, r.Repositories...), append(errs, r.err)
	}
	return sorted(all), errors.Join(errs...)
}

// Reaches lists the installations of the App that are not suspended, by
// account, also those that cover no repository yet. None is no error. With an
// error it returns nothing. Callers take turns.
func (a *App) Reaches(ctx context.Context) ([]Reach, error) {
	reaches, err := a.list(ctx)
	errs := []error{err}
	var all []Reach
	for _, r := range reaches {
		if !r.suspended && !r.enterprise {
			all, errs = append(all, r.Reach), append(errs, r.err)
		}
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b Reach) int { return cmp.Compare(a.Account, b.Account) })
	return all, nil
}

// reach is a Reach that may be out of date.
type reach struct {
	Reach
	suspended  bool
	enterprise bool
	err        error // why it is what was last known
}

// list brings the catalog up to date, as far as GitHub answers.
func (a *App) list(ctx context.Context) ([]reach, error) {
	if err := a.listing.lock(ctx); err != nil {
		return nil, err
	}
	defer a.listing.unlock()
	installations, listing := readPages(a.catalog.installations, func(page int, etag string) (answer, error) {
		return a.do(ctx, call{method: http.MethodGet, path: fmt.Sprintf("app/installations?per_page=100&page=%d", page), etag: etag, class: ordinary})
	}, func(ans answer) (items []grant, err error) { err = ans.decode(&items); return items, err })
	if listing == nil {
		a.catalog.installations = installations
	}
	repositories := map[int64][]listed[repositoryEntry]{}
	var all []reach
	for _, page := range a.catalog.installations {
		for _, g := range page.items {
			pages, r := a.reach(ctx, g, listing)
			repositories[g.ID] = pages
			all = append(all, r)
		}
	}
	a.catalog.repositories = repositories
	return all, listing
}

// reach lists what one installation covers, unless the listing of them all failed: then it is what was last known.
func (a *App) reach(ctx context.Context, g grant, listing error) ([]listed[repositoryEntry], reach) {
	pages, i := a.catalog.repositories[g.ID], a.installation(g)
	r := reach{suspended: g.SuspendedAt != nil, enterprise: g.enterprise()}
	lacking := false
	switch {
	case listing != nil:
	case r.enterprise:
		i.leaveOut("enterprises have no repositories: install the App on an organization or a user", g.HTMLURL)
	case r.suspended:
		r.err = i.suspended()
	default:
		pages, r.err = i.covered(ctx, pages)
		if missing, ok := errors.AsType[*PermissionError](r.err); ok {
			lacking, r.err = true, nil
			i.leaveOut(missing.Problem, missing.Remedy)
		}
	}
	former := a.owners.saw(g.Account.ID, g.Account.Login)
	r.Reach = Reach{g.Account.Login, g.HTMLURL, found(pages)}
	for n := range r.Repositories {
		r.Repositories[n].Formerly = former
	}
	if r.err == nil && listing == nil && !lacking && !r.enterprise {
		i.takeIn()
		a.recognize(i, r.Repositories)
	}
	return pages, r
}

// leaveOut says once that the repositories of an installation are none of ours.
func (i *installation) leaveOut(why, remedy string) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.apart {
		i.app.log.Warn("the repositories of an installation are left out", "installation", i.grant.String(), "reason", why, "remedy", remedy)
	}
	i.apart = true
}

func (i *installation) takeIn() {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.apart = false
}

// recognize tells the repositories which installation covers them, so that
// none has to ask. What they knew they forget when they have another name now,
// or their name another repository.
func (a *App) recognize(i *installation, all []Found) {
	for _, f := range all {
		a.Repository(f.Owner, f.Name).recognize(i, f)
	}
}

func (r *Repository) recognize(i *installation, f Found) {
	r.denied.clear()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.installation, r.found = i, time.Now()
	if r.facts.ID != 0 && (r.facts.ID != f.ID || !strings.EqualFold(r.facts.FullName, f.Owner+"/"+f.Name)) {
		r.facts, r.moved, r.heads, r.listings = facts{}, false, nil, nil
	}
}

// covered lists what one installation covers; with an error it returns before.
// https://docs.github.com/rest/apps/installations#list-repositories-accessible-to-the-app-installation
func (i *installation) covered(ctx context.Context, before []listed[repositoryEntry]) ([]listed[repositoryEntry], error) {
	pages, err := readPages(before, func(page int, etag string) (answer, error) {
		return i.do(ctx, call{method: http.MethodGet, path: fmt.Sprintf("installation/repositories?per_page=100&page=%d", page), etag: etag, class: ordinary})
	}, func(ans answer) ([]repositoryEntry, error) {
		var body struct {
			Repositories []repositoryEntry `json:"repositories"`
		}
		err := ans.decode(&body)
		return body.Repositories, err
	})
	if err != nil {
		return before, fmt.Errorf("list the repositories of %s: %w", i.now(), err)
	}
	return pages, nil
}

// readPages reads a listing, each page only if it has changed. One of several
// pages is read again when some had changed: what goes meanwhile pulls another
// item out of sight, from one page to the one before.
func readPages[T any](pages []listed[T], ask func(page int, etag string) (answer, error), decode func(answer) ([]T, error)) ([]listed[T], error) {
	for range maxReadings {
		read, changed, err := readOnce(pages, ask, decode)
		if err != nil || !changed || len(read) == 1 {
			return read, err
		}
		pages = read
	}
	return pages, nil
}

func readOnce[T any](before []listed[T], ask func(page int, etag string) (answer, error), decode func(answer) ([]T, error)) (pages []listed[T], changed bool, err error) {
	for number := 1; number > 0; {
		var page listed[T]
		if len(pages) < len(before) {
			page = before[len(pages)]
		}
		ans, err := ask(number, page.etag)
		if err != nil {
			return nil, false, err
		}
		if !ans.unchanged() {
			items, err := decode(ans)
			if err != nil {
				return nil, false, err
			}
			page, changed = listed[T]{etag: ans.etag, next: ans.nextPage, items: items}, true
		}
		pages = append(pages, page)
		if number = page.next; len(pages) > maxPages {
			return nil, false, errors.New("GitHub lists without end")
		}
	}
	return pages, changed, nil
}

func found(pages []listed[repositoryEntry]) []Found {
	var all []Found
	for _, page := range pages {
		for _, r := range page.items {
			if !r.Archived && !r.Disabled {
				all = append(all, Found{ID: r.ID, Owner: r.Owner.Login, Name: r.Name, DefaultBranch: r.Default})
			}
		}
	}
	return sorted(all)
}

// sorted names each repository once: one that moves from one page to another
// while they are read may be listed twice.
func sorted(all []Found) []Found {
	slices.SortFunc(all, func(a, b Found) int {
		return cmp.Or(cmp.Compare(a.Owner, b.Owner), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return slices.CompactFunc(all, func(a, b Found) bool { return a.ID == b.ID })
}
