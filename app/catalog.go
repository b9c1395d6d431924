package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
)

// Found is a repository that an installation of the App covers.
type Found struct {
	ID                         int64
	Owner, Name, DefaultBranch string
}

// catalog is what was last listed. It is guarded by App.listing.
type catalog struct {
	installations []listed[grant]
	repositories  map[int64][]listed[repositoryEntry]
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

// Repositories lists the repositories that all installations of the App cover,
// without archived and disabled ones, sorted by owner and name. With an error
// it returns what it last knew of the installations that did not answer: a
// repository is gone only when GitHub says so. Callers take turns.
func (a *App) Repositories(ctx context.Context) ([]Found, error) {
	if err := a.listing.lock(ctx); err != nil {
		return nil, err
	}
	defer a.listing.unlock()
	installations, err := readPages(a.catalog.installations, func(page int, etag string) (answer, error) {
		return a.do(ctx, call{method: http.MethodGet, path: fmt.Sprintf("app/installations?per_page=100&page=%d", page), etag: etag, class: ordinary})
	}, func(ans answer) (items []grant, err error) { err = ans.decode(&items); return items, err })
	if err != nil {
		return a.catalog.found(), err
	}
	a.catalog.installations = installations
	repositories := map[int64][]listed[repositoryEntry]{}
	var errs []error
	for _, page := range installations {
		for _, g := range page.items {
			if g.SuspendedAt != nil {
				continue
			}
			pages, err := a.installation(g).covered(ctx, a.catalog.repositories[g.ID])
			if err != nil {
				errs = append(errs, fmt.Errorf("list the repositories of %s: %w", g, err))
				pages = a.catalog.repositories[g.ID]
			}
			repositories[g.ID] = pages
		}
	}
	a.catalog.repositories = repositories
	return a.catalog.found(), errors.Join(errs...)
}

// covered lists what one installation covers.
// https://docs.github.com/rest/apps/installations#list-repositories-accessible-to-the-app-installation
func (i *installation) covered(ctx context.Context, before []listed[repositoryEntry]) ([]listed[repositoryEntry], error) {
	return readPages(before, func(page int, etag string) (answer, error) {
		return i.do(ctx, call{method: http.MethodGet, path: fmt.Sprintf("installation/repositories?per_page=100&page=%d", page), etag: etag, class: ordinary})
	}, func(ans answer) ([]repositoryEntry, error) {
		var body struct {
			Repositories []repositoryEntry `json:"repositories"`
		}
		err := ans.decode(&body)
		return body.Repositories, err
	})
}

// readPages reads a listing, each page only if it has changed.
func readPages[T any](before []listed[T], ask func(page int, etag string) (answer, error), decode func(answer) ([]T, error)) ([]listed[T], error) {
	var pages []listed[T]
	for number := 1; number > 0; {
		var page listed[T]
		if len(pages) < len(before) {
			page = before[len(pages)]
		}
		ans, err := ask(number, page.etag)
		if err != nil {
			return nil, err
		}
		if !ans.unchanged() {
			items, err := decode(ans)
			if err != nil {
				return nil, err
			}
			page = listed[T]{etag: ans.etag, next: ans.nextPage, items: items}
		}
		pages = append(pages, page)
		if number = page.next; len(pages) > maxPages {
			return nil, errors.New("GitHub lists without end")
		}
	}
	return pages, nil
}

// found is what the catalog holds. A repository that moves from one page to
// another while they are read may be listed twice.
func (c catalog) found() []Found {
	var all []Found
	for _, pages := range c.repositories {
		for _, page := range pages {
			for _, r := range page.items {
				if !r.Archived && !r.Disabled {
					all = append(all, Found{r.ID, r.Owner.Login, r.Name, r.Default})
				}
			}
		}
	}
	slices.SortFunc(all, func(a, b Found) int {
		return cmp.Or(cmp.Compare(a.Owner, b.Owner), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
	})
	return slices.CompactFunc(all, func(a, b Found) bool { return a.ID == b.ID })
}
