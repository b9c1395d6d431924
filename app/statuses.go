package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/google/go-github/v60/github"
)

// Status is a commit status, in GitHub's words. https://docs.github.com/rest/commits/statuses#create-a-commit-status
type Status struct {
	State       string // pending, success, failure, error
	Context     string
	Description string // at most 140 characters
	TargetURL   string // may be empty

	// Since is when the run began that this is about. GitHub may not know the commit for some minutes after: until then its
	// word that there is none is not final.
	Since time.Time
}

// PostStatus posts a status, once. A *RefusedError is final; with a *PermissionError inside, statuses are off and a
// warning has said so. Any other error is worth another try later. At most 80 posts a minute leave for each
// installation; the rest wait, those that end a run in front.
func (r *Repository) PostStatus(ctx context.Context, sha string, s Status) error {
	if !isSHA(sha) {
		return &RefusedError{errors.New("not a full SHA")}
	}
	allowed, err := r.StatusesAllowed(ctx)
	if err != nil {
		return r.finally(err, s.Since)
	}
	if !allowed {
		return &RefusedError{r.statusesOff()}
	}
	s = s.plain()
	body := &github.RepoStatus{State: &s.State, Context: &s.Context, Description: &s.Description}
	if s.TargetURL != "" {
		body.TargetURL = &s.TargetURL
	}
	urgency := final
	if s.State == "pending" {
		urgency = pending
	}
	a, err := r.do(ctx, call{method: http.MethodPost, path: r.path(false) + "/statuses/" + sha, body: body, class: urgency})
	if err == nil && a.status != http.StatusCreated { // a proxy's page, for example
		err = &DownError{fmt.Errorf("it answered a commit status with %d instead of 201", a.status)}
	}
	return r.finally(err, s.Since)
}

// HasStatus tells whether the newest status of its context says just that already, and is this App's own.
func (r *Repository) HasStatus(ctx context.Context, sha string, s Status) (bool, error) {
	if !isSHA(sha) {
		return false, nil
	}
	s = s.plain()
	all, err := r.statusesOn(ctx, sha, s.Since)
	if err != nil {
		return false, err
	}
	own, err := r.app.self(ctx)
	for _, one := range all {
		if one.Context == s.Context {
			return one.State == s.State && one.Description == s.Description && one.by(own), err
		}
	}
	return false, err
}

// Postable tells whether GitHub takes a character in a commit status. It refuses those of four bytes.
func Postable(r rune) bool { return r <= 0xFFFF }

// plain replaces the characters for which GitHub refuses a status.
func (s Status) plain() Status {
	replace := func(text string) string {
		return strings.Map(func(r rune) rune {
			if Postable(r) {
				return r
			}
			return unicode.ReplacementChar
		}, text)
	}
	s.Context, s.Description, s.TargetURL = replace(s.Context), replace(s.Description), replace(s.TargetURL)
	return s
}

// finally makes a RefusedError of what will not change by itself.
func (r *Repository) finally(err error, since time.Time) error {
	if err == nil {
		return nil
	}
	_, uncovered := errors.AsType[*NotCoveredError](err)
	_, lacking := errors.AsType[*PermissionError](err)
	status, message := answered(err)
	if unknown(status, message) && (longLag * r.app.lag).young(since) {
		return err
	}
	if uncovered || lacking || hopeless(status, message) {
		return &RefusedError{err}
	}
	return err
}

// hopeless answers stay the same for the same status. A 403 may be about who asks from where, and pass.
func hopeless(status int, message string) bool {
	switch status {
	case http.StatusUnauthorized:
		return false
	case http.StatusForbidden:
		return strings.Contains(message, "not accessible") || strings.Contains(message, "archived")
	}
	return status >= 400 && status < 500
}

// StatusesAllowed says whether statuses are wanted and granted. What is missing is asked for again once an hour.
func (r *Repository) StatusesAllowed(ctx context.Context) (bool, error) {
	if !r.app.statuses.Load() {
		return false, nil
	}
	_, err := withInstallation(ctx, r, func(i *installation, ctx context.Context) (struct{}, error) {
		return struct{}{}, i.require(ctx, "statuses", "write", patience)
	})
	if _, lacking := errors.AsType[*PermissionError](err); lacking {
		return false, nil
	}
	return err == nil, err
}

// statusesOff is why PostStatus posts nothing.
func (r *Repository) statusesOff() error {
	r.mu.Lock()
	i := r.installation
	r.mu.Unlock()
	if i == nil || !r.app.statuses.Load() {
		return errors.New("statuses are turned off")
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	return i.lacks("statuses", "write")
}
