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

// once gives each document once, and then only the version of it.
type once struct {
	store.Store
	given map[string]string
}

func (o *once) Get(ctx context.Context, key string) (store.Document, error) {
	doc, err := o.Store.Get(ctx, key)
	if err == nil && o.given[key] == doc.Version {
		doc.Data = []byte("[")
	}
	o.given[key] = doc.Version
	return doc, err
}

// TestAMemoryIsDecodedOnce: a start knows what it has read of a task when it looks.
func TestAMemoryIsDecodedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRemote("main a")
		b := newBench(t, r.task("deploy", "main"))
		want(t, "error", b.Once(t.Context(), true), nil)
		next := b.again(t, r.task("deploy", "main"))
		next.Store = &once{b.Store, map[string]string{}}
		want(t, "error", next.Once(t.Context(), true), nil)
		_, runs := r.seen()
		want(t, "runs", runs, []string{"main a"})
	})
}
