package dumb

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/bittrance/kitops/poller/git/object"
)

// Objects that have files of their own are read several at a time, and kept until
// it is their turn.
const (
	readsAtOnce = 8
	largeObject = 1 << 20 // bytes; it waits for its turn
	aheadSize   = 32 << 20
	aheadMost   = aheadSize / largeObject
)

// ahead are the objects that were read before their turn.
type ahead struct {
	most    int // how many the next time; 0: the last ones had no files of their own
	objects map[object.ID]object.Object
}

// take gives an object that was read ahead, once.
func (a *ahead) take(id object.ID) (object.Object, bool) {
	o, ok := a.objects[id]
	delete(a.objects, id)
	return o, ok
}

// known says whether an object was read ahead, or is in a pack.
func (s *store) known(id object.ID) bool {
	if _, ok := s.ahead.objects[id]; ok {
		return true
	}
	for _, p := range s.packs {
		if _, ok := p.idx.Find(id); ok {
			return true
		}
	}
	return false
}

// readAhead reads objects whose turn comes soon. What fails fails again when it
// comes: nothing is said here.
func (s *store) readAhead(ctx context.Context, ids []object.ID) {
	var mu sync.Mutex
	found := 0
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(readsAtOnce)
	for _, id := range ids {
		group.Go(func() error {
			o, err := s.loose(ctx, id, object.NewHasher(s.format), largeObject)
			if err == nil {
				mu.Lock()
				defer mu.Unlock()
				s.ahead.objects[id] = o
				found++
			}
			return nil
		})
	}
	_ = group.Wait()
	if s.ahead.most *= 2; found < len(ids) {
		s.ahead.most = 0
	}
}

// wanted says whether an object must be asked for, and may have a file of its own.
func (w *walk) wanted(e object.TreeEntry) bool {
	_, walked := w.seen[e.ID]
	return !walked && e.Mode != object.ModeSubmodule && !w.from.known(e.ID) && !w.Has(e.ID)
}

// prepare reads ahead of what is next in a tree.
func (w *walk) prepare(ctx context.Context, next []object.TreeEntry) {
	a := &w.from.ahead
	room := min(a.most, aheadMost-len(a.objects))
	var ids []object.ID
	for _, e := range next {
		if len(ids) >= room {
			break
		}
		if w.wanted(e) {
			ids = append(ids, e.ID)
		}
	}
	if len(ids) > 1 {
		w.from.readAhead(ctx, ids)
	}
}
