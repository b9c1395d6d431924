package actions

import (
	"context"
	"time"
)

// stopSlack is by how much a timer may be late on a busy host before the agent
// counts as having been stopped.
const stopSlack = 2 * time.Second

// WithTimeout is like context.WithTimeoutCause, on a clock that stands still
// while the agent does: stopped by a signal, frozen with its container, or
// paused with its machine. The context has no Deadline. Cancel it to free it.
func WithTimeout(ctx context.Context, timeout time.Duration, cause error) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancelCause(ctx)
	go func() {
		clock := stopClock{left: timeout}
		for clock.left > 0 {
			timer, from := time.NewTimer(clock.step()), time.Now()
			select {
			case <-ctx.Done():
				timer.Stop()
				return
			case <-timer.C:
			}
			clock.pass(time.Since(from))
		}
		cancel(cause)
	}()
	return ctx, func() { cancel(context.Canceled) }
}

// stopClock counts down in steps, and does not believe that one took much
// longer than it should.
type stopClock struct{ left time.Duration }

func (c *stopClock) step() time.Duration { return min(c.left, time.Second) }

func (c *stopClock) pass(took time.Duration) {
	if step := c.step(); took > step+stopSlack {
		took = step
	}
	c.left -= took
}
