package api

import (
	"context"
	"net/http"

	"github.com/bittrance/kitops/poller"
)

// Membership is who shares the state. It is for those who see every task: the error for others
// is a *[Problem].
func (a *API) Membership(ctx context.Context) (poller.Membership, error) {
	if CallerOf(ctx).Sees != nil {
		return poller.Membership{}, problem(http.StatusNotFound, "there are no members to be seen")
	}
	return a.Members(ctx)
}

func (a *API) members(r *http.Request) (int, any, error) {
	all, err := a.Membership(r.Context())
	return http.StatusOK, all, err
}
