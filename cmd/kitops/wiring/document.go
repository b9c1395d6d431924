package wiring

import (
	"bytes"
	"context"
	"errors"
	"io/fs"

	"github.com/goccy/go-yaml"

	"github.com/bittrance/kitops/poller/store"
)

// document is what is kept in the state beside the memory of tasks.
type document[T any] struct {
	store store.Store
	key   string
}

// load returns a zero T where there is no document.
func (d document[T]) load(ctx context.Context) (T, error) {
	held, _, err := d.read(ctx)
	return held, err
}

func (d document[T]) read(ctx context.Context) (held T, version string, err error) {
	doc, err := d.store.Get(ctx, d.key)
	if errors.Is(err, fs.ErrNotExist) {
		return held, "", nil
	}
	if err != nil {
		return held, "", err
	}
	return held, doc.Version, yaml.Unmarshal(doc.Data, &held)
}

// save makes a change to what the store has now.
func (d document[T]) save(ctx context.Context, change func(T) T) error {
	return d.change(ctx, func(held T) (T, bool) { return change(held), true })
}

// change is save for a document that goes when nothing of it is kept. One that stays the same is not written.
func (d document[T]) change(ctx context.Context, change func(T) (next T, keep bool)) error {
	for {
		held, version, err := d.read(ctx)
		if err != nil {
			return err
		}
		before, err := yaml.Marshal(held)
		if err != nil {
			return err
		}
		next, keep := change(held)
		data, err := yaml.Marshal(next)
		if err != nil {
			return err
		}
		if !keep {
			data = nil
		}
		if keep == (version != "") && (!keep || bytes.Equal(data, before)) {
			return nil
		}
		if _, err = d.store.Put(ctx, d.key, data, version); !errors.Is(err, store.ErrConflict) {
			return err
		}
	}
}
