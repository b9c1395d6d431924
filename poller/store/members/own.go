package members

import (
	"context"
	"errors"
	"io/fs"
	"slices"

	"github.com/bittrance/kitops/poller/store"
)

// view is the documents of tasks that stay what they were, whatever is announced meanwhile.
type view struct {
	*Documents
	own bool
}

// Get implements [store.Store].
func (v view) Get(ctx context.Context, key string) (store.Document, error) {
	return v.get(ctx, key, v.own)
}

// Put implements [store.Store].
func (v view) Put(ctx context.Context, key string, data []byte, version string) (string, error) {
	return v.put(ctx, key, v.own, data, version)
}

// As is the store of documents that are this member's own, or of those that all have in common.
func (d *Documents) As(own bool) store.Store { return view{d, own} }

// Of is the store of documents that a member has for itself, for who only looks at them or releases them.
func (d *Documents) Of(member string) store.Store {
	return NewDocuments(d.shared, member, d.clock).As(true)
}

// Owns tells whether this member has a document of a task for itself, by what was announced last.
func (d *Documents) Owns(key string) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.each[key]
}

// Get implements [store.Store].
func (d *Documents) Get(ctx context.Context, key string) (store.Document, error) {
	return d.get(ctx, key, d.Owns(key))
}

// Put implements [store.Store].
func (d *Documents) Put(ctx context.Context, key string, data []byte, version string) (string, error) {
	return d.put(ctx, key, d.Owns(key), data, version)
}

// ownsAny tells whether it has any.
func (d *Documents) ownsAny() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.each) > 0
}

func (d *Documents) get(ctx context.Context, key string, own bool) (store.Document, error) {
	began := d.clock()
	in, as := d.place(key, own)
	doc, err := in.Get(ctx, as)
	if err == nil || errors.Is(err, fs.ErrNotExist) {
		d.note(key, own, read{doc.Data, doc.Version, began}, true)
	}
	return doc, err
}

func (d *Documents) put(ctx context.Context, key string, own bool, data []byte, version string) (string, error) {
	in, as := d.place(key, own)
	next, err := in.Put(ctx, as, data, version)
	if err == nil {
		d.note(key, own, read{slices.Clone(data), next, d.clock()}, false)
	}
	return next, err
}

// place is the store of a document, and its key in there.
func (d *Documents) place(key string, own bool) (in store.Store, as string) {
	if own {
		return d.shared.Sub(key), d.name
	}
	return d.shared, key
}
