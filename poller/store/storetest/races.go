package storetest

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/bittrance/kitops/poller/store"
)

// oneWinner lets many writers race for the same version, again and again.
func oneWinner(t *testing.T, s store.Store) {
	t.Helper()
	const rounds, writers = 10, 16
	version := ""
	for round := range rounds {
		var (
			wins sync.Map
			all  sync.WaitGroup
		)
		for i := range writers {
			all.Go(func() {
				next, err := s.Put(t.Context(), "a", fmt.Appendf(nil, "round: %d\nwriter: %d", round, i), version)
				if err == nil {
					wins.Store(i, next)
				} else if !errors.Is(err, store.ErrConflict) {
					t.Error(err)
				}
			})
		}
		all.Wait()
		count := 0
		wins.Range(func(i, next any) bool {
			count++
			version = next.(string)
			get(t, s, "a", fmt.Sprintf("round: %d\nwriter: %d", round, i))
			return true
		})
		if count != 1 {
			t.Fatalf("round %d has %d winners", round, count)
		}
	}
}

// noLostUpdate counts with read, add one, write.
func noLostUpdate(t *testing.T, s store.Store) {
	t.Helper()
	const writers, each = 8, 5
	put(t, s, "a", "n: 0", "")
	var all sync.WaitGroup
	for range writers {
		all.Go(func() {
			for done := 0; done < each; {
				var count struct{ N int }
				doc, err := s.Get(t.Context(), "a")
				if err == nil {
					err = yaml.Unmarshal(doc.Data, &count)
				}
				if err == nil {
					_, err = s.Put(t.Context(), "a", fmt.Appendf(nil, "n: %d", count.N+1), doc.Version)
				}
				if err == nil {
					done++
				} else if !errors.Is(err, store.ErrConflict) {
					t.Error(err)
					return
				}
			}
		})
	}
	all.Wait()
	get(t, s, "a", fmt.Sprintf("n: %d", writers*each))
}

func manyDocuments(t *testing.T, s store.Store) {
	t.Helper()
	const writers = 200
	var all sync.WaitGroup
	for i := range writers {
		all.Go(func() {
			key := strconv.Itoa(i)
			version, err := s.Put(t.Context(), key, []byte("n: 1"), "")
			if err == nil {
				_, err = s.Put(t.Context(), key, []byte("n: 2"), version)
			}
			if err != nil {
				t.Errorf("put %s: %v", key, err)
			}
		})
	}
	all.Wait()
	for i := range writers {
		get(t, s, strconv.Itoa(i), "n: 2")
	}
}
