package wiring

import (
	"log/slog"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/store/lease"
	"github.com/bittrance/kitops/webhook"
)

// TestClicksWaitForTheLease of another instance, however often: it may run for hours.
func TestClicksWaitForTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClicks(&Agent{log: slog.New(slog.DiscardHandler)})
		one := click{Check: webhook.Check{SHA: "a"}}
		for range 3 * clickTries {
			now := time.Now()
			if !c.later(one, &lease.HeldError{Lease: lease.Lease{Expires: now.Add(time.Hour)}, Now: now}) {
				t.Fatal("it is dropped")
			}
			one = <-c.queue
			if wait := time.Since(now); wait != clickPatience || one.tries != 0 {
				t.Errorf("again after %s, and %d tries", wait, one.tries)
			}
		}
	})
}
