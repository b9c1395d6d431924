package wiring

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller"
)

// TestThrift waits for the end of the last run, and for nothing else.
func TestThrift(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var freed atomic.Int64
		MemoryRelease := NewMemoryRelease(func() { freed.Add(1) })
		at := func(d time.Duration, want int64, why string) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			if times := freed.Load(); times != want {
				t.Errorf("%s: memory was given back %d times, want %d", why, times, want)
			}
		}
		at(restAfter, 1, "start-up")
		for range 10 {
			MemoryRelease.Observe(poller.Event{Kind: poller.Finished})
			at(restAfter-time.Second, 1, "runs follow each other")
		}
		at(time.Second, 2, "the last run is over")
		MemoryRelease.Observe(poller.Event{Kind: poller.Looked})
		at(time.Hour, 2, "looks")
		MemoryRelease.Observe(poller.Event{Kind: poller.Finished})
		MemoryRelease.Close()
		at(time.Hour, 2, "closed")
	})
}
