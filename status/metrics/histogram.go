package metrics

import (
	"slices"
	"time"
)

// histogram counts durations by bounds in seconds.
type histogram struct {
	bounds []float64 // ascending
	counts []uint64  // of those within each bound and above the one before; the last is for what is above all
	sum    float64
}

// runBounds go from what a shell needs to start to the default timeout.
func runBounds() []float64 {
	return []float64{.1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800, 3600}
}

// pushBounds go from a webhook that is answered at once to many missed polls.
func pushBounds() []float64 {
	return []float64{.02, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600}
}

func newHistogram(bounds []float64) histogram {
	return histogram{bounds: bounds, counts: make([]uint64, len(bounds)+1)}
}

func (h *histogram) observe(d time.Duration) {
	seconds := max(0, d.Seconds())
	i, _ := slices.BinarySearch(h.bounds, seconds)
	h.counts[i]++
	h.sum += seconds
}

// write adds a histogram to the answer.
func (h *histogram) write(t *text, name, help string) {
	t.family("histogram", name, help)
	total := uint64(0)
	for i, n := range h.counts {
		total += n
		bound := "+Inf"
		if i < len(h.bounds) {
			bound = number(h.bounds[i])
		}
		t.line("_bucket", float64(total), label{"le", bound})
	}
	t.line("_sum", h.sum)
	t.line("_count", float64(total))
}
