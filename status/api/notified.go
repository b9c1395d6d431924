package api

import (
	"net/http"
	"time"
)

// Notified is how messages to somebody who is notified have fared since the agent started.
type Notified struct {
	To          string    `json:"to"`      // the service and its host
	Sent        uint64    `json:"sent"`    // messages that it took
	Refused     uint64    `json:"refused"` // for good
	Failed      uint64    `json:"failed"`  // tries that are repeated
	LastSuccess time.Time `json:"last_success,omitzero"`
	LastError   time.Time `json:"last_error,omitzero"`
	Error       string    `json:"error,omitempty"` // the last one
}

// Failing tells whether the last message did not arrive.
func (n Notified) Failing() bool { return n.LastError.After(n.LastSuccess) }

// AllNotified is the answer of GET notified.
type AllNotified struct {
	Notified []Notified `json:"notified"`
}

// notified is for those who see every task: who is notified is configuration.
func (a *API) notified(r *http.Request) (int, any, error) {
	if CallerOf(r.Context()).Sees != nil {
		return 0, nil, problem(http.StatusNotFound, "there is nobody to be seen who is notified")
	}
	answer := AllNotified{Notified: []Notified{}}
	if a.Notified != nil {
		answer.Notified = append(answer.Notified, a.Notified()...)
	}
	return http.StatusOK, answer, nil
}
