package lease

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/store"
)

// timeless is behind something that takes the Date from its answers.
type timeless struct{ store.Store }

func (s timeless) Get(ctx context.Context, key string) (store.Document, error) {
	doc, err := s.Store.Get(ctx, key)
	doc.Now = time.Time{}
	return doc, err
}

// TestStoreThatDoesNotTellItsTime has no leases: the first one would have ended for
// everybody else before it began.
func TestStoreThatDoesNotTellItsTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store.NewMemory()
		a, b := notes(timeless{s}, "a"), notes(s, "b")
		err := a.Acquire(t.Context())
		if err == nil || !strings.Contains(err.Error(), "the store does not tell its time") {
			t.Errorf("error %v", err)
		}
		must(t, b.Acquire(t.Context()))
		if _, err := a.Until(); err == nil {
			t.Error("two have the lease")
		}
	})
}
