package actions

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestWithTimeout(t *testing.T) {
	t.Parallel()
	late := errors.New("late")
	for _, timeout := range []time.Duration{0, time.Millisecond, 1500 * time.Millisecond, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			from := time.Now()
			ctx, cancel := WithTimeout(t.Context(), timeout, late)
			defer cancel()
			<-ctx.Done()
			if took := time.Since(from); took != timeout || !errors.Is(context.Cause(ctx), late) {
				t.Errorf("%s: ended after %s by %v", timeout, took, context.Cause(ctx))
			}
		})
	}
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := WithTimeout(t.Context(), time.Hour, late)
		cancel()
		synctest.Wait()
		if !errors.Is(context.Cause(ctx), context.Canceled) {
			t.Errorf("cancelled by %v", context.Cause(ctx))
		}
	})
}

// The clock of a paused process jumps.
func TestStopClock(t *testing.T) {
	t.Parallel()
	c := stopClock{left: 10 * time.Second}
	for _, tt := range []struct{ took, left time.Duration }{
		{time.Second, 9 * time.Second},
		{1500 * time.Millisecond, 7500 * time.Millisecond}, // late, but awake
		{3 * time.Second, 4500 * time.Millisecond},
		{3*time.Second + 1, 3500 * time.Millisecond}, // stopped for longer than a second
		{time.Hour, 2500 * time.Millisecond},
		{2 * time.Second, 500 * time.Millisecond},
		{time.Hour, 0}, // half a second was left
	} {
		if c.pass(tt.took); c.left != tt.left {
			t.Errorf("after %s %s are left, want %s", tt.took, c.left, tt.left)
		}
	}
}
