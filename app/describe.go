package app

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
)

// Describe returns what the API says of the repository, without what is meant for the App alone.
// https://docs.github.com/rest/repos/repos#get-a-repository
func (r *Repository) Describe(ctx context.Context) (map[string]any, error) {
	a, err := r.do(ctx, call{method: http.MethodGet, path: r.path(false), class: ordinary})
	if err != nil {
		return nil, err
	}
	return a.described()
}

// Payload is the pull request as the API has it, without what is meant for the App alone.
func (m Merge) Payload() (map[string]any, error) { return m.asked.described() }

func (a answer) described() (described map[string]any, err error) {
	d := json.NewDecoder(bytes.NewReader(a.body))
	d.UseNumber()
	if err := d.Decode(&described); err != nil {
		return nil, &DownError{err}
	}
	conceal(described)
	return described, nil
}

// conceal takes the App's own rights and the tokens out of an object and of all that is in it.
func conceal(object map[string]any) {
	delete(object, "permissions")
	delete(object, "temp_clone_token")
	for _, value := range object {
		if inner, ok := value.(map[string]any); ok {
			conceal(inner)
		}
	}
}
