package store

import (
	"context"
	"errors"
	"time"

	"github.com/bittrance/kitops/poller/store/document"
)

// ErrConflict says that a document is not at the version the writer expected: read it again.
var ErrConflict = errors.New("changed by another writer")

// FormatError says that what is in the store cannot be read. It is left as it is.
type FormatError = document.FormatError

// Document is what a store holds under a key.
type Document struct {
	Data    []byte    // one YAML mapping; the caller's own copy
	Version string    // to be handed to Put; data of one version is the same
	Now     time.Time // the store's clock at the time of reading
}

// Store maps keys to documents. Keys are any valid UTF-8. All methods may be used by many goroutines at once.
type Store interface {
	// Get returns the document, or an error that is fs.ErrNotExist, with which Now is set, too.
	Get(ctx context.Context, key string) (Document, error)

	// Put replaces the document if it is still at version, "" meaning that there is none; nil data deletes it.
	// It returns the new version ("" after a deletion) once the data is durable, or an error that is ErrConflict.
	// When ctx ends first, the error of a store on this host says that nothing was written. Any other error, and every one
	// of a store across a network, leaves open whether the data was written or will be: put the same again, or read.
	Put(ctx context.Context, key string, data []byte, version string) (newVersion string, err error)

	// List returns the keys that begin with prefix, sorted.
	List(ctx context.Context, prefix string) (keys []string, err error)
}
