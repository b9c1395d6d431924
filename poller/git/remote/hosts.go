package remote

import (
	"context"
	"fmt"
	"sync"
)

// maxSSHConnects is how many connections to one host are made at a time. A stock
// sshd turns connections away from the tenth on that has not authenticated
// (MaxStartups, sshd_config(5)). How many polls a host gets is the caller's part.
const maxSSHConnects = 4

// Hosts is what remotes on the same hosts share. It is safe for concurrent use;
// the zero value is ready.
type Hosts struct {
	mu    sync.Mutex
	slots map[string]chan struct{}
}

// enter waits until a connection to a host may be made. Without Hosts there is
// no bound.
func (h *Hosts) enter(ctx context.Context, host string) (leave func(), err error) {
	if h == nil {
		return func() {}, nil
	}
	h.mu.Lock()
	if h.slots == nil {
		h.slots = map[string]chan struct{}{}
	}
	if h.slots[host] == nil {
		h.slots[host] = make(chan struct{}, maxSSHConnects)
	}
	slots := h.slots[host]
	h.mu.Unlock()
	select {
	case slots <- struct{}{}:
		return func() { <-slots }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("waited for %d other connections to %s: %w", maxSSHConnects, host, ctx.Err())
	}
}
