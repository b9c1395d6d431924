package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

func commenting() permission { return permission{"pull_requests", "write"} }

// PullsOf are the numbers of the open pull requests whose head a commit is now. Needs pull_requests: write, as what
// follows it does. https://docs.github.com/rest/commits/commits#list-pull-requests-associated-with-a-commit
func (r *Repository) PullsOf(ctx context.Context, sha string, since time.Time) ([]int, error) {
	if err := r.granted(ctx, commenting()); err != nil {
		return nil, r.finally(err, since)
	}
	var numbers []int
	err := r.pages(ctx, "commits/"+sha+"/pulls?per_page=100", "", func(a answer) (bool, error) {
		found, err := decodePulls(a)
		for _, one := range found {
			if one.State == "open" && one.Head.SHA == sha {
				numbers = append(numbers, one.Number)
			}
		}
		return true, err
	})
	return numbers, r.finally(err, since)
}

// FindComment returns the id of the comment of this App below a pull request that begins with a mark, 0 for none. What others
// have written counts for nothing.
func (r *Repository) FindComment(ctx context.Context, pull int, mark string) (id int64, err error) {
	own, err := r.app.self(ctx)
	if err != nil {
		return 0, err
	}
	err = r.pages(ctx, fmt.Sprintf("issues/%d/comments?per_page=100", pull), "", func(a answer) (bool, error) {
		var page []struct {
			ID   int64
			Body string
			User *Account
			Via  *struct{ ID int64 } `json:"performed_via_github_app"`
		}
		if err := a.decode(&page); err != nil {
			return false, err
		}
		for _, one := range page {
			mine := one.User != nil && one.User.Type == "Bot" && (one.Via != nil && one.Via.ID == own.ID || one.User.Login == own.Slug+"[bot]")
			if mine && strings.HasPrefix(one.Body, mark) {
				id = one.ID
			}
		}
		return id == 0, nil
	})
	return id, r.finally(err, time.Time{})
}

// PostComment writes a new comment below a pull request and returns its id. GitHub takes no second call for the first: after
// a lost answer ask [Repository.FindComment].
func (r *Repository) PostComment(ctx context.Context, pull int, body string) (id int64, err error) {
	if err := r.granted(ctx, commenting()); err != nil {
		return 0, r.finally(err, time.Time{})
	}
	path := fmt.Sprintf("%s/issues/%d/comments", r.path(false), pull)
	a, err := r.do(ctx, call{method: http.MethodPost, path: path, body: map[string]string{"body": body}, class: deploying, needs: commenting()})
	if err != nil {
		return 0, r.finally(err, time.Time{})
	}
	var made struct{ ID int64 }
	if err := a.decode(&made); err != nil {
		return 0, err
	}
	if a.status != http.StatusCreated || made.ID == 0 {
		return 0, &DownError{errors.New("its comment has no id")}
	}
	return made.ID, nil
}

// EditComment changes what a comment says, and tells whether it is still there.
func (r *Repository) EditComment(ctx context.Context, id int64, body string) (there bool, err error) {
	path := fmt.Sprintf("%s/issues/comments/%d", r.path(false), id)
	a, err := r.do(ctx, call{method: http.MethodPatch, path: path, body: map[string]string{"body": body}, class: deploying, needs: commenting()})
	if status, _ := answered(err); status == http.StatusNotFound || status == http.StatusGone {
		return false, nil
	}
	if err == nil && a.status != http.StatusOK {
		err = &DownError{fmt.Errorf("it answered a comment with %d instead of 200", a.status)}
	}
	return err == nil, r.finally(err, time.Time{})
}
