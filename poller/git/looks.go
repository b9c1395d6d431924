package git

import (
	"context"
	"slices"
	"sync"

	"github.com/bittrance/kitops/poller/git/refs"
	"github.com/bittrance/kitops/poller/git/remote"
)

// looks makes one look out of several that are wanted at a time. Nobody gets an
// answer to a question that was asked before theirs.
type looks struct {
	mu   sync.Mutex
	next *look // not asked yet
	busy mutex // who asks
}

// look is one question and its answer.
type look struct {
	refs   refs.Patterns
	done   chan struct{}
	answer *remote.Advertisement
	err    error
	failed bool // the one who asked went away
}

func (l *looks) join(ctx context.Context, patterns refs.Patterns, ask func(context.Context, refs.Patterns) (*remote.Advertisement, error)) (*remote.Advertisement, error) {
	for {
		mine := l.enter(patterns)
		asked, err := l.turn(ctx, mine, ask)
		if err != nil {
			return nil, err
		}
		if asked || !mine.failed {
			return mine.answer, mine.err
		}
	}
}

// enter adds to the question that will be asked next.
func (l *looks) enter(patterns refs.Patterns) *look {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.next == nil {
		l.next = &look{done: make(chan struct{})}
	}
	for _, ref := range patterns {
		if !slices.Contains(l.next.refs, ref) {
			l.next.refs = append(l.next.refs, ref)
		}
	}
	return l.next
}

// turn waits until a question is answered, or asks it if nobody else does.
func (l *looks) turn(ctx context.Context, mine *look, ask func(context.Context, refs.Patterns) (*remote.Advertisement, error)) (asked bool, err error) {
	if err := l.busy.lock(ctx); err != nil {
		return false, err
	}
	defer l.busy.unlock()
	select {
	case <-mine.done:
		return false, nil
	default:
	}
	l.mu.Lock()
	l.next = nil
	l.mu.Unlock()
	mine.answer, mine.err = ask(ctx, mine.refs)
	mine.failed = ctx.Err() != nil
	close(mine.done)
	return true, nil
}
