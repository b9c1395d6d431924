package webhook

import (
	"context"
	"io"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// reader is a delivery log under test with what it told.
type reader struct {
	*DeliveryLog
	archive
	book   logbook
	mu     sync.Mutex
	events []Event
	saved  int64
}

// read starts a reader in a bubble, which ends with the test.
func read(t *testing.T, prepare func(*reader)) *reader {
	t.Helper()
	r := &reader{archive: archive{hook: "https://kitops.invalid"}}
	r.DeliveryLog = &DeliveryLog{
		Get: asking(&r.archive, "https://api.github.com"), Interval: 10 * time.Second, Seen: NewSeen(),
		Watched: func(id int64, _ string) bool { return id == 7 },
		Handle: func(e Event) {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.events = append(r.events, e)
		},
		Load: func(context.Context) (int64, error) { return r.saved, nil },
		Save: func(_ context.Context, id int64) error {
			r.mu.Lock()
			defer r.mu.Unlock()
			r.saved = id
			return nil
		},
		Log: r.book.logger(),
	}
	if prepare != nil {
		prepare(r)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		want(t, "end of the log", <-done, nil)
	})
	elapse(time.Second)
	return r
}

// asking is how a log asks without an App's limits.
func asking(transport http.RoundTripper, api string) func(context.Context, string) (Answer, error) {
	return func(ctx context.Context, path string) (Answer, error) {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, api+path, nil)
		if err != nil {
			return Answer{}, err
		}
		resp, err := transport.RoundTrip(req)
		if err != nil {
			return Answer{}, err
		}
		defer func() { _ = resp.Body.Close() }()
		body, err := io.ReadAll(resp.Body)
		return Answer{resp.StatusCode, resp.Header, body}, err
	}
}

func (r *reader) told() (guids []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.events {
		guids = append(guids, e.GUID)
	}
	r.events = nil
	return guids
}

func elapse(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}
