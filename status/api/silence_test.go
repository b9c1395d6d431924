package api_test

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/status/api"
	"github.com/bittrance/kitops/status/history"
)

// timed is an answer that remembers until when it may be written.
type timed struct {
	*httptest.ResponseRecorder
	until time.Time
}

func (w *timed) SetWriteDeadline(t time.Time) error {
	w.until = t
	return nil
}

// TestAStreamEndsAfterALongSilence has a run that prints nothing for longer than a viewer
// may not read: the end of the answer, which the server writes, must not come too late.
func TestAStreamEndsAfterALongSilence(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		log := slog.New(slog.DiscardHandler)
		h := history.New(t.Context(), t.TempDir(), history.DefaultKeep(), "build-1", log)
		defer h.Close(time.Minute)
		r := poller.Run{ID: "r1", Task: "shop", Started: time.Now()}
		h.Observe(poller.Event{Kind: poller.Started, Task: r.Task, Run: r})
		h.Observe(poller.Event{Kind: poller.Printed, Task: r.Task, Run: r, Data: []byte("hi\n")})
		synctest.Wait()
		answer := &timed{ResponseRecorder: httptest.NewRecorder()}
		answered := make(chan struct{})
		go func() {
			defer close(answered)
			request := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/v1/runs/r1/log?follow", http.NoBody)
			(&api.API{History: h, Log: log}).Handler().ServeHTTP(answer, request)
		}()
		time.Sleep(5 * time.Minute)
		r.Outcome, r.Finished = poller.Success, time.Now()
		h.Observe(poller.Event{Kind: poller.Finished, Task: r.Task, Run: r})
		<-answered
		if answer.Body.String() != "hi\n" || !answer.until.After(time.Now()) {
			t.Errorf("%q, to be written until %s ago", answer.Body, time.Since(answer.until))
		}
	})
}
