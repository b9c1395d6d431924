package app

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// OwnChecks are the check runs of a name that this App has made on a commit: those of others count for nothing.
// https://docs.github.com/rest/checks/runs#list-check-runs-for-a-git-reference
func (r *Repository) OwnChecks(ctx context.Context, sha, name string, since time.Time) ([]KnownCheck, error) {
	own, err := r.app.known(ctx)
	if err != nil {
		return nil, err
	}
	query := url.Values{"filter": {"all"}, "per_page": {"100"}, "check_name": {name}, "app_id": {fmt.Sprint(own.ID)}}
	all, err := r.checksOn(ctx, sha, query, since)
	var found []KnownCheck
	for _, one := range all {
		if one.Name == name && one.App != nil && one.App.ID == own.ID {
			found = append(found, one.KnownCheck)
		}
	}
	return found, err
}

// reportedCheck is a check run of any App.
type reportedCheck struct {
	KnownCheck
	App *struct {
		ID   int64
		Slug string
	} `json:"app"`
}

// checksOn are the check runs of a commit.
func (r *Repository) checksOn(ctx context.Context, sha string, query url.Values, since time.Time) (found []reportedCheck, err error) {
	const most = 10 // pages: GitHub keeps 1,000 of a name
	for page := 1; page <= most && page > 0; {
		query.Set("page", fmt.Sprint(page))
		a, err := r.do(ctx, call{
			method: http.MethodGet, path: r.path(false) + "/commits/" + sha + "/check-runs?" + query.Encode(), class: ordinary, needs: permission{"checks", "write"},
		})
		if err != nil {
			return nil, r.finally(err, since)
		}
		var all struct {
			Runs []reportedCheck `json:"check_runs"`
		}
		if err := a.decode(&all); err != nil {
			return nil, err
		}
		found = append(found, all.Runs...)
		page = a.nextPage
	}
	return found, nil
}

// FindCheck returns the check run of this App on a commit with an external ID, the newest if there are several, and whether
// there is one.
func (r *Repository) FindCheck(ctx context.Context, sha, name, externalID string, since time.Time) (found KnownCheck, there bool, err error) {
	all, err := r.OwnChecks(ctx, sha, name, since)
	for _, one := range all {
		if one.ExternalID == externalID && one.ID > found.ID {
			found, there = one, true
		}
	}
	return found, there, err
}

// RewordCheck changes what a check run says, and nothing else of it.
func (r *Repository) RewordCheck(ctx context.Context, id int64, output CheckOutput) error {
	body := struct {
		Output CheckOutput `json:"output"`
	}{output}
	_, err := r.do(ctx, call{method: http.MethodPatch, path: r.checkPath(id), body: body, class: deploying, needs: permission{"checks", "write"}})
	return r.finally(err, time.Time{})
}

// Strangers are the other Apps, and the people, who have last told a commit of a context that is this App's. Of check runs or
// commit statuses that may not be read there are none.
func (r *Repository) Strangers(ctx context.Context, sha, name string) ([]string, error) {
	own, err := r.app.known(ctx)
	if err != nil {
		return nil, err
	}
	var all []string
	if r.granted(ctx, permission{"checks", "write"}) == nil {
		checks, err := r.checksOn(ctx, sha, url.Values{"per_page": {"100"}, "check_name": {name}}, time.Time{})
		if err != nil {
			return nil, err
		}
		for _, one := range checks {
			if one.Name == name && one.App != nil && one.App.ID != own.ID {
				all = append(all, "the App "+quote(one.App.Slug))
			}
		}
	}
	posted, err := r.statusesOn(ctx, sha, time.Time{})
	if inaccessible(err) {
		posted, err = nil, nil
	}
	for _, one := range posted {
		if one.Context != name {
			continue
		}
		if !one.by(own) {
			all = append(all, one.author())
		}
		break // the newest counts
	}
	slices.Sort(all)
	return slices.Compact(all), err
}

// posted is a commit status that GitHub has.
type posted struct {
	State, Context, Description string
	Creator                     *Account
}

// by tells whether an App has posted it.
func (p posted) by(own self) bool {
	return p.Creator != nil && p.Creator.Type == "Bot" && strings.EqualFold(p.Creator.Login, own.Slug+"[bot]")
}

func (p posted) author() string {
	if p.Creator == nil {
		return "somebody"
	}
	return quote(p.Creator.Login)
}

// statusesOn are the newest commit statuses of a commit, the newest first.
func (r *Repository) statusesOn(ctx context.Context, sha string, since time.Time) ([]posted, error) {
	a, err := r.do(ctx, call{method: http.MethodGet, path: r.path(false) + "/commits/" + sha + "/statuses?per_page=100", class: ordinary, needs: permission{"statuses", "read"}})
	if err != nil {
		return nil, r.finally(err, since)
	}
	var all []posted
	return all, a.decode(&all)
}

// WantToSeeStatuses has the App ask for the permission to read commit statuses from now on.
func (r *Repository) WantToSeeStatuses() { r.app.wantAlso("statuses", "read") }
