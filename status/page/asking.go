package page

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

const (
	// believed is for how long GitHub's word is taken that a repository is public, or is not.
	believed = 10 * time.Second
	// Orders of one user: so many at once, then one after each pause.
	ordersAtOnce = 30
	orderPause   = 10 * time.Second
)

// asking bounds what users of GitHub have it asked by the App's own token. Everybody with an account there may log in: without
// bounds one of them could use up the hour's requests, or meet another limit, and no task would be polled until it is over.
type asking struct {
	mu     sync.Mutex
	public map[string]*publicity // by owner/name
	orders map[int64]*rate.Limiter
}

// publicity is what GitHub said last.
type publicity struct {
	mu    sync.Mutex
	is    bool
	asked time.Time
}

func newAsking() *asking {
	return &asking{public: map[string]*publicity{}, orders: map[int64]*rate.Limiter{}}
}

// isPublic tells whether everybody may see a repository.
func (a *asking) isPublic(ctx context.Context, r Repository) bool {
	a.mu.Lock()
	p := a.public[r.FullName]
	if p == nil {
		p = &publicity{}
		a.public[r.FullName] = p
	}
	a.mu.Unlock()
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Since(p.asked) >= believed {
		private, err := r.Private(context.WithoutCancel(ctx)) // it answers for all: who goes away would have the next one ask again
		p.is, p.asked = err == nil && !private, time.Now()
	}
	return p.is
}

// mayOrder tells whether GitHub may be asked about one more order of a user.
func (a *asking) mayOrder(user int64) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.orders[user] == nil {
		if len(a.orders) >= maxSessions {
			clear(a.orders)
		}
		a.orders[user] = rate.NewLimiter(rate.Every(orderPause), ordersAtOnce)
	}
	return a.orders[user].Allow()
}
