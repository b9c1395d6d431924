package disk

import (
	"context"
	"runtime"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/bittrance/kitops/poller/bug"
)

const maxWriters = 8

// Writers is how many goroutines share the work of a checkout.
func Writers() int { return min(max(runtime.GOMAXPROCS(0), 2), maxWriters) }

// InBatches has several goroutines visit the numbers below count, a batch of
// neighbors each at a time. Each has a visitor of its own.
func InBatches[V any](ctx context.Context, batch, count int, open func() (V, func(), error), visit func(context.Context, V, int) error) error {
	var next atomic.Int64
	group, ctx := errgroup.WithContext(ctx)
	for range min(Writers(), (count+batch-1)/batch) {
		group.Go(bug.Caught(func() error {
			v, done, err := open()
			if err != nil {
				return err
			}
			defer done()
			for {
				begin := int(next.Add(int64(batch))) - batch
				if begin >= count {
					return nil
				}
				for i := begin; i < min(begin+batch, count); i++ {
					if err := ctx.Err(); err != nil {
						return err
					}
					if err := visit(ctx, v, i); err != nil {
						return err
					}
				}
			}
		}))
	}
	return group.Wait()
}
