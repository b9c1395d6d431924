package app

import (
	"context"
	"fmt"
	"net/url"
	"path"
	"slices"
	"strconv"
	"time"
)

// Comment is what somebody wrote below a pull request, or below an issue.
type Comment struct {
	ID     int64
	Number int // of the pull request or the issue
	Author Account
	Body   string
	Edited bool // since it was made, by whomever: GitHub does not say by whom
	ByApp  bool // an App wrote it for the author
	At     time.Time
}

// Comments lists what was written or edited since, the oldest first, in all pull requests and issues.
// https://docs.github.com/rest/issues/comments#list-issue-comments-for-a-repository
func (r *Repository) Comments(ctx context.Context, since time.Time) ([]Comment, error) {
	query := url.Values{"since": {since.UTC().Format(time.RFC3339)}, "sort": {"updated"}, "direction": {"desc"}, "per_page": {"100"}}
	var all []Comment
	err := r.pages(ctx, "issues/comments?"+query.Encode(), "", func(a answer) (bool, error) {
		var found []struct {
			ID       int64
			Body     string
			IssueURL string `json:"issue_url"`
			User     *Account
			Created  time.Time           `json:"created_at"`
			Updated  time.Time           `json:"updated_at"`
			App      *struct{ ID int64 } `json:"performed_via_github_app"`
		}
		if err := a.decode(&found); err != nil {
			return false, err
		}
		for _, one := range found {
			c := Comment{ID: one.ID, Body: one.Body, Edited: !one.Updated.Equal(one.Created), ByApp: one.App != nil, At: one.Updated}
			number, err := strconv.Atoi(path.Base(one.IssueURL))
			if err != nil || one.User == nil {
				continue
			}
			c.Number = number
			c.Author = *one.User
			all = append(all, c)
		}
		return true, nil
	})
	slices.Reverse(all) // read the newest first: what is edited meanwhile comes twice, and pushes nothing out of sight
	return all, err
}

// Review is one of a pull request, by its state: APPROVED, CHANGES_REQUESTED, COMMENTED, DISMISSED.
type Review struct {
	ID     int64
	Author Account `json:"user"`
	SHA    string  `json:"commit_id"`
	State  string
}

// Reviews lists those of a pull request, the oldest first.
// https://docs.github.com/rest/pulls/reviews#list-reviews-for-a-pull-request
func (r *Repository) Reviews(ctx context.Context, number int) ([]Review, error) {
	var all []Review
	err := r.pages(ctx, fmt.Sprintf("pulls/%d/reviews?per_page=100", number), "", func(a answer) (bool, error) {
		var found []Review
		err := a.decode(&found)
		all = append(all, found...)
		return true, err
	})
	return all, err
}
