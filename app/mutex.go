package app

import (
	"context"
	"fmt"
)

// mutex is a lock that one can stop waiting for. It guards what is asked of GitHub only once.
type mutex chan struct{}

func newMutex() mutex { return make(mutex, 1) }

func (m mutex) lock(ctx context.Context) error {
	select {
	case m <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for another request to GitHub: %w", ctx.Err())
	}
}

func (m mutex) unlock() { <-m }
