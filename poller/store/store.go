package store

import (
	"context"
	"errors"
	"time"
)

// ErrConflict says that a document is not at the version the writer expected: read it again.
var ErrConflict = errors.New("changed by another writer")

// Document is what a store holds under a key.
type Document struct {
	Data    []byte    // one YAML mapping; the caller's own copy
	Version string    // to be handed to Put; equal for equal data
	Now     time.Time // the store's clock at the time of reading
}

// Store maps keys to documents. Keys are any valid UTF-8. All methods may be used by many goroutines at once.
type Store interface {
	// Get returns the document, or an error that is fs.ErrNotExist.
	Get(ctx context.Context, key string) (Document, error)

	// Put replaces the document if it is still at version, "" meaning that there is none; nil data deletes it.
	// It returns the new version ("" after a deletion) once the data is durable, or an error that is ErrConflict.
	// When ctx ends first, its error is returned only if nothing was written.
	Put(ctx context.Context, key string, data []byte, version string) (newVersion string, err error)

	// List returns the keys that begin with prefix, sorted.
	List(ctx context.Context, prefix string) (keys []string, err error)
}
