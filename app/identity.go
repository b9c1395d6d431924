package app

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// facts are what GitHub says of a repository.
type facts struct {
	ID            int64  `json:"id"`
	Private       bool   `json:"private"`
	FullName      string `json:"full_name"`
	DefaultBranch string `json:"default_branch"`
	Owner         struct {
		ID int64 `json:"id"`
	} `json:"owner"`

	etag    string
	learned time.Time
}

// Identity makes sure that the repository is still the one it was, and returns what to remember of it: its numeric id.
// known is what was remembered, or "". A repository renamed by its owner is followed, with one warning.
// Another repository or another owner behind the address is a *MovedError: someone else may have taken the name, also one who
// has not installed the App.
func (r *Repository) Identity(ctx context.Context, known string) (string, error) {
	f, err := r.learn(ctx)
	uncovered, beyond := errors.AsType[*NotCoveredError](err)
	beyond = beyond && uncovered.Public && known != ""
	if beyond {
		f, err = r.seenByAnybody(ctx)
	}
	if err != nil {
		return "", err
	}
	id := strconv.FormatInt(f.ID, 10)
	switch {
	case known != "" && known != id:
	case beyond:
		return "", uncovered
	default:
		return id, nil
	}
	return "", &MovedError{SetupError{
		fmt.Sprintf("%s/%s is another repository than the one watched until now (id %d, not %s)", r.owner, r.name, f.ID, known),
		"make sure that it is the right one, then forget the task's state or rename the task",
	}}
}

// seenByAnybody asks without credentials for the facts of a public repository that the App does not reach any more.
func (r *Repository) seenByAnybody(ctx context.Context) (f facts, err error) {
	a, err := r.app.anybody.do(ctx, call{method: http.MethodGet, path: r.path(true), class: ordinary})
	if err == nil {
		err = a.decode(&f)
	}
	if _, limited := errors.AsType[*LimitError](err); err == nil || limited {
		return f, err
	}
	// Not a DownError: that would be no reason to doubt who it is.
	return f, fmt.Errorf("the App does not reach %s/%s any more, and who has the name now cannot be told: %s", r.owner, r.name, err.Error())
}

// known returns the facts, asked for only the first time.
func (r *Repository) known(ctx context.Context) (facts, error) {
	r.mu.Lock()
	f := r.facts
	r.mu.Unlock()
	if f.ID != 0 {
		return f, nil
	}
	return r.learn(ctx)
}

// learn asks for the facts, at the address that the task has: only so is noticed who is behind it now.
func (r *Repository) learn(ctx context.Context) (facts, error) {
	r.mu.Lock()
	f := r.facts
	r.mu.Unlock()
	a, err := r.do(ctx, call{method: http.MethodGet, path: r.path(true), etag: f.etag, class: ordinary})
	if err != nil {
		return facts{}, err
	}
	if !a.unchanged() {
		f = facts{etag: a.etag}
		if err := a.decode(&f); err != nil {
			return facts{}, err
		}
		if f.ID == 0 || !isFullName(f.FullName) {
			return facts{}, &DownError{fmt.Errorf("its answer for %s/%s names no repository", r.owner, r.name)}
		}
	}
	f.learned = time.Now()
	return f, r.settle(f)
}

// settle keeps the facts, unless the repository went to another owner. An owner with another name is the same one.
func (r *Repository) settle(f facts) error {
	owner, name, _ := strings.Cut(f.FullName, "/")
	r.app.owners.saw(f.Owner.ID, owner)
	if !strings.EqualFold(owner, r.owner) && !r.app.owners.was(f.Owner.ID, r.owner) {
		return &MovedError{SetupError{
			fmt.Sprintf("%s/%s belongs to %s now", r.owner, r.name, owner),
			"if that is right, change the task's address to " + r.app.CloneURL(owner, name),
		}}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.facts, r.moved = f, false
	if !strings.EqualFold(f.FullName, r.owner+"/"+r.name) && r.told != f.FullName {
		r.app.log.Warn("a repository was renamed: change the task's address",
			"repository", r.owner+"/"+r.name, "address", r.app.CloneURL(owner, name))
		r.told = f.FullName
	}
	return nil
}
