package api

import (
	"fmt"
	"net/http"
	"time"
)

// Invitation is where somebody logs in to the page, once.
type Invitation struct {
	Address string    `json:"address"` // of the page, its code in the fragment
	Login   string    `json:"login"`   // where a form posts the code
	Code    string    `json:"code"`
	Until   time.Time `json:"until"`
}

func (a *API) invite(r *http.Request) (int, any, error) {
	if a.Invite == nil {
		return 0, nil, noPage()
	}
	invitation, err := a.Invite(by(r.Context()))
	return http.StatusOK, invitation, err
}

func (a *API) revoke(*http.Request) (int, any, error) {
	if a.Revoke == nil {
		return 0, nil, noPage()
	}
	n, err := a.Revoke()
	why := fmt.Sprintf("%d sessions have ended", n)
	if n == 1 {
		why = "a session has ended"
	}
	return http.StatusOK, Ordered{"revoke", why}, err
}

func noPage() error {
	return problem(http.StatusNotFound, "the agent serves no page: start it with --page ADDRESS")
}
