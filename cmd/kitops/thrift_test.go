package main

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller"
)

// TestThrift waits for the end of the last run, and for nothing else.
func TestThrift(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		freed := 0
		thrift := newThrift(func() { freed++ })
		at := func(d time.Duration, want int, why string) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			if freed != want {
				t.Errorf("%s: memory was given back %d times, want %d", why, freed, want)
			}
		}
		at(restAfter, 1, "start-up")
		for range 10 {
			thrift.observe(poller.Event{Kind: poller.Finished})
			at(restAfter-time.Second, 1, "runs follow each other")
		}
		at(time.Second, 2, "the last run is over")
		thrift.observe(poller.Event{Kind: poller.Looked})
		at(time.Hour, 2, "looks")
		thrift.observe(poller.Event{Kind: poller.Finished})
		thrift.close()
		at(time.Hour, 2, "closed")
	})
}
