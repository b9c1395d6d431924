package bucket

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"time"
)

// requests asks the server, and again where an error is known to have changed nothing.
type requests struct {
	objects Objects
	timeout time.Duration // for each
	log     *slog.Logger  // may be nil
}

// bounded is for one method: three requests, whatever they wait for.
func (r requests) bounded(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, 3*r.timeout)
}

func (r requests) get(ctx context.Context, name string) (Object, error) {
	return ask(ctx, r, func(ctx context.Context) (Object, error) { return r.objects.Get(ctx, name) })
}

// put is made once, but for clocks and credentials.
func (r requests) put(ctx context.Context, name string, body []byte, cond Condition) (Object, error) {
	return once(ctx, r, func(ctx context.Context) (Object, error) { return r.objects.Put(ctx, name, body, cond) })
}

func (r requests) list(ctx context.Context, prefix string) (all []Object, now time.Time, err error) {
	for after, first := "", true; first || after != ""; first = false {
		page, err := ask(ctx, r, func(ctx context.Context) (Page, error) { return r.objects.List(ctx, prefix, after) })
		if err != nil {
			return nil, now, err
		}
		if first {
			now = page.Now
		}
		if !first && page.Next == after {
			return nil, now, &Error{Fault: Refused, Problem: fmt.Sprintf("%s lists the same page again", r.objects)}
		}
		all, after = append(all, page.Objects...), page.Next
	}
	return all, now, nil
}

// ask makes a request that changes nothing, again if there is no answer.
func ask[T any](ctx context.Context, r requests, request func(context.Context) (T, error)) (answer T, err error) {
	for try := range tries(ctx) {
		if answer, err = once(ctx, r, request); !is(err, Unsure) || try.last {
			break
		}
	}
	return answer, err
}

// once makes a request, and once more where it was surely not done.
func once[T any](ctx context.Context, r requests, request func(context.Context) (T, error)) (T, error) {
	bounded := func() (T, error) {
		if err := ctx.Err(); err != nil {
			var none T
			return none, err
		}
		ctx, cancel := context.WithTimeout(ctx, r.timeout)
		defer cancel()
		return request(ctx)
	}
	answer, err := bounded()
	if !is(err, Skewed) && !is(err, Stale) {
		return answer, err
	}
	if r.log != nil && is(err, Skewed) {
		r.log.Warn("The clock of this host is not the store's. kitops counts on the store's, but set it", "err", err)
	}
	return bounded()
}

// is tells what an error means; that ctx ended while nothing was asked is not an [Error].
func is(err error, fault Fault) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Fault == fault
}

type attempt struct{ last bool }

// tries are three, with growing pauses, and end with ctx.
func tries(ctx context.Context) iter.Seq[attempt] {
	return func(yield func(attempt) bool) {
		const most = 3
		pause := 100 * time.Millisecond
		for i := range most {
			if !yield(attempt{i == most-1}) || i == most-1 {
				return
			}
			select {
			case <-time.After(pause):
			case <-ctx.Done():
				return
			}
			pause *= 5
		}
	}
}
