package poller

import (
	"context"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/bittrance/kitops/poller/store"
)

// distant is a store that takes its time for each answer.
type distant struct{ store.Store }

func (d distant) Get(ctx context.Context, key string) (store.Document, error) {
	time.Sleep(100 * time.Millisecond)
	return d.Store.Get(ctx, key)
}

// TestManyMemoriesAreReadSideBySide: a start that reads 1,000 documents across a network is not to wait for one after the other.
func TestManyMemoriesAreReadSideBySide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := store.NewMemory()
		for i := range 1000 {
			if _, err := s.Put(t.Context(), strconv.Itoa(i), []byte("url: x"), ""); err != nil {
				t.Fatal(err)
			}
		}
		began := time.Now()
		all, _, err := states(t.Context(), distant{s})
		if err != nil || len(all) != 1000 || all["999"].URL != "x" {
			t.Fatal(len(all), err)
		}
		if took := time.Since(began); took > 10*time.Second {
			t.Errorf("after %s", took)
		}
	})
}
