package app

import (
	"context"
	"net/http"
	"net/url"
)

// Person is a user of GitHub, with the repositories of an App that he reaches.
type Person struct {
	ID      int64            `json:"id"`
	Login   string           `json:"login"`
	Reaches map[int64]Access `json:"reaches"` // by the id of a repository
}

// Access is what a user may do with a repository that he reaches.
type Access struct {
	Name    string `json:"name"` // owner/name
	Private bool   `json:"private,omitempty"`
	Push    bool   `json:"push,omitempty"`
}

// MayPush asks GitHub now whether a user may push. The answer must be about the same user, whatever he is called by now.
// https://docs.github.com/rest/collaborators/collaborators#get-repository-permissions-for-a-user
func (r *Repository) MayPush(ctx context.Context, u Person) (bool, error) {
	if !isAccount(u.Login) {
		return false, nil
	}
	a, err := r.do(ctx, call{method: http.MethodGet, path: r.path(false) + "/collaborators/" + url.PathEscape(u.Login) + "/permission", class: ordinary})
	if status, _ := answered(err); status == http.StatusNotFound {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	var answer struct {
		Permission string
		User       *struct {
			ID   int64
			Type string
		}
	}
	if err := a.decode(&answer); err != nil {
		return false, err
	}
	return answer.User != nil && answer.User.ID == u.ID && answer.User.Type == "User" && (answer.Permission == "admin" || answer.Permission == "write"), nil
}

// Private tells whether GitHub hides the repository from strangers, by what it says at this moment.
func (r *Repository) Private(ctx context.Context) (bool, error) {
	f, err := r.learn(ctx)
	return f.Private || err != nil, err
}
