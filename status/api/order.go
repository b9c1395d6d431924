package api

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/bittrance/kitops/poller"
)

// maxOrder bounds the body of an order, in bytes.
const maxOrder = 64 << 10

// Order is the body of an order. It may be left out.
type Order struct {
	Ref    string     `json:"ref,omitempty"` // in full
	SHA    string     `json:"sha,omitempty"` // or its first digits
	Reason string     `json:"reason,omitempty"`
	Until  *time.Time `json:"until,omitempty"`
	After  bool       `json:"after,omitempty"`
	Anyway bool       `json:"anyway,omitempty"`
}

// order is the route of one kind of order.
func (a *API) order(what string) func(*http.Request) (int, any, error) {
	return func(r *http.Request) (int, any, error) {
		var body Order
		decoder := json.NewDecoder(http.MaxBytesReader(nil, r.Body, maxOrder))
		decoder.DisallowUnknownFields()
		err := decoder.Decode(&body)
		if err == nil {
			_, err = decoder.Token() // nothing may follow
		}
		if !errors.Is(err, io.EOF) {
			return 0, nil, problem(http.StatusBadRequest, "the body is no order: JSON with ref, sha, reason, until, after, anyway")
		}
		answer, err := a.Give(r.Context(), r.PathValue("task"), what, body)
		return http.StatusAccepted, answer, err
	}
}

// refused makes the refusal of an order a Problem.
func refused(err error) error {
	var no *poller.RefusedError
	switch {
	case !errors.As(err, &no):
		return err
	case no.Unknown:
		return problem(http.StatusNotFound, "%s", err)
	}
	return problem(http.StatusConflict, "%s", err)
}
