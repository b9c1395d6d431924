package git

import (
	"context"
	"sync"
)

// mutex is one whose waiters go away with their context.
type mutex struct {
	once sync.Once
	free chan struct{}
}

func (m *mutex) lock(ctx context.Context) error {
	m.once.Do(func() { m.free = make(chan struct{}, 1) })
	select {
	case m.free <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (m *mutex) unlock() { <-m.free }
