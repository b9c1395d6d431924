package app

import (
	"context"
	"fmt"
	"net/http"
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
		var found []oneComment
		if err := a.decode(&found); err != nil {
			return false, err
		}
		for _, one := range found {
			if c, whole := one.comment(); whole {
				all = append(all, c)
			}
		}
		return true, nil
	})
	slices.Reverse(all) // read the newest first: what is edited meanwhile comes twice, and pushes nothing out of sight
	return all, err
}

// Comment returns one by its id, and false where it was deleted.
// https://docs.github.com/rest/issues/comments#get-an-issue-comment
func (r *Repository) Comment(ctx context.Context, id int64) (Comment, bool, error) {
	a, err := r.do(ctx, call{
		method: http.MethodGet, path: fmt.Sprintf("%s/issues/comments/%d", r.path(false), id), class: ordinary, needs: permission{"pull_requests", "read"},
	})
	if status, _ := answered(err); status == http.StatusNotFound || status == http.StatusGone {
		return Comment{}, false, nil
	}
	if err != nil {
		return Comment{}, false, err
	}
	var one oneComment
	if err := a.decode(&one); err != nil {
		return Comment{}, false, err
	}
	c, whole := one.comment()
	return c, whole, nil
}

// React puts a reaction on a comment: +1, confused. It may be repeated. Needs pull_requests: write; the error is a
// *[PermissionError] where that is not granted.
// https://docs.github.com/rest/reactions/reactions#create-reaction-for-an-issue-comment
func (r *Repository) React(ctx context.Context, comment int64, content string) error {
	if err := r.granted(ctx, commenting()); err != nil {
		return err
	}
	path := fmt.Sprintf("%s/issues/comments/%d/reactions", r.path(false), comment)
	_, err := r.do(ctx, call{method: http.MethodPost, path: path, body: map[string]string{"content": content}, class: deploying, needs: commenting()})
	return err
}

// oneComment is a comment as GitHub has it.
type oneComment struct {
	ID       int64
	Body     string
	IssueURL string `json:"issue_url"`
	User     *Account
	Created  time.Time           `json:"created_at"`
	Updated  time.Time           `json:"updated_at"`
	App      *struct{ ID int64 } `json:"performed_via_github_app"`
}

// comment tells whether it is known who has written it, and where.
func (o oneComment) comment() (Comment, bool) {
	number, err := strconv.Atoi(path.Base(o.IssueURL))
	if err != nil || o.User == nil {
		return Comment{}, false
	}
	return Comment{
		ID: o.ID, Number: number, Author: *o.User, Body: o.Body, Edited: !o.Updated.Equal(o.Created), ByApp: o.App != nil, At: o.Updated,
	}, true
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
