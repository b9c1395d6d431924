package history_test

import (
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/bittrance/kitops/poller"
	"github.com/bittrance/kitops/status/history"
)

// many is a history of n runs.
func many(b *testing.B, n int) *history.History {
	b.Helper()
	dir := b.TempDir()
	h := history.New(b.Context(), dir, history.Keep{}, "", slog.New(slog.DiscardHandler))
	for i := range n {
		r := run(fmt.Sprintf("20260504t120000-%010d", i))
		r.Task = fmt.Sprintf("task %d", i%100)
		h.Observe(poller.Event{Kind: poller.Finished, Task: r.Task, Run: ended(r, poller.Success, "")})
	}
	h.Close(time.Hour)
	h = history.New(b.Context(), dir, history.Keep{}, "", slog.New(slog.DiscardHandler))
	b.Cleanup(func() { h.Close(time.Minute) })
	return h
}

// BenchmarkList lists a page of 100,000 runs.
func BenchmarkList(b *testing.B) {
	h := many(b, 100_000)
	for name, f := range map[string]history.Filter{
		"all": {}, "task": {Task: "task 7"}, "none of an outcome": {Outcome: "error"}, "deep": {Before: "20260504t120000-0000000100"},
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				if _, _, err := h.Runs(b.Context(), f); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkRun is what the history of a run costs, from its start to its end, beside 100,000 others.
func BenchmarkRun(b *testing.B) {
	h := many(b, 100_000)
	d := diary{History: h}
	for i := 0; b.Loop(); i++ {
		d.whole(run(fmt.Sprintf("20260505t120000-%010d", i)), "a line\n")
	}
	h.Close(time.Minute)
}
