package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/bittrance/kitops/poller"
)

// Caller is who asks, and what he may. The zero Caller has no name and may everything.
type Caller struct {
	Name   string
	Person poller.Person                                // as whom he has logged in with the host of the repository; zero: as a user of this machine
	Sees   func(task string) bool                       // nil: every task
	Orders func(ctx context.Context, task string) error // why he may not give orders about a task that he sees; nil: he may
}

type callerKey struct{}

// WithCaller says who asks. Whatever the API answers within ctx is what he may see.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerOf is who asks.
func CallerOf(ctx context.Context) Caller {
	c, _ := ctx.Value(callerKey{}).(Caller)
	if p, known := ctx.Value(peerKey{}).(Peer); known {
		c.Name = p.Name
	}
	return c
}

// sees is the one place that tells whether a task is shown to who asks.
func sees(ctx context.Context, task string) bool {
	c := CallerOf(ctx)
	return c.Sees == nil || c.Sees(task)
}

// by is the name of who asks.
func by(ctx context.Context) string {
	if name := CallerOf(ctx).Name; name != "" {
		return name
	}
	return "somebody"
}

// ErrForbidden is in the error of [Caller.Orders] where the answer is no, rather than that nobody could be asked.
var ErrForbidden = errors.New("the right is missing")

// permitted tells why who asks may not give orders about a task, nil where he may.
func permitted(ctx context.Context, task string) error {
	if !sees(ctx, task) {
		return unknownTask(task)
	}
	c := CallerOf(ctx)
	if c.Orders == nil {
		return nil
	}
	err := c.Orders(ctx, task)
	if errors.Is(err, ErrForbidden) {
		return problem(http.StatusForbidden, "%s", err)
	}
	if err != nil {
		return problem(http.StatusServiceUnavailable, "%s", err)
	}
	return nil
}
