package app

import (
	"context"
	"fmt"
	"net/http"
)

// Parents are the parents of a commit, in order.
// https://docs.github.com/rest/commits/commits#get-a-commit
func (r *Repository) Parents(ctx context.Context, sha string) ([]string, error) {
	a, err := r.do(ctx, call{method: http.MethodGet, path: r.path(false) + "/commits/" + sha, class: ordinary})
	if err != nil {
		return nil, err
	}
	var commit struct {
		SHA     string
		Parents []struct{ SHA string }
	}
	if err := a.decode(&commit); err != nil {
		return nil, err
	}
	var parents []string
	for _, p := range commit.Parents {
		parents = append(parents, p.SHA)
	}
	if commit.SHA != sha {
		return nil, &DownError{fmt.Errorf("its answer for %s is another commit", sha)}
	}
	return parents, nil
}
