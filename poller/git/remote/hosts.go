package remote

import (
	"context"
	"fmt"
	"sync"
)

// How many conversations with one host begin at a time. A stock sshd turns
// connections away from the tenth on that has not authenticated (MaxStartups,
// sshd_config(5)), and a server of many repositories should not see as many
// connections as there are tasks.
const (
	maxHTTPPolls   = 8
	maxSSHConnects = 4
)

// Hosts is what remotes on the same hosts share. It is safe for concurrent use;
// the zero value is ready.
type Hosts struct {
	mu    sync.Mutex
	slots map[string]chan struct{}
}

// enter waits for one of the slots of a host. Without Hosts there is no bound.
func (h *Hosts) enter(ctx context.Context, host string, most int) (leave func(), err error) {
	if h == nil {
		return func() {}, nil
	}
	h.mu.Lock()
	if h.slots == nil {
		h.slots = map[string]chan struct{}{}
	}
	if h.slots[host] == nil {
		h.slots[host] = make(chan struct{}, most)
	}
	slots := h.slots[host]
	h.mu.Unlock()
	select {
	case slots <- struct{}{}:
		return func() { <-slots }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("waited for %d other polls of %s: %w", most, host, ctx.Err())
	}
}
