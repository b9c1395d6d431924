package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/bittrance/kitops/poller/store/document"
)

// Documents are those that a store has in memory, each in its canonical form. It is not safe for concurrent changes.
type Documents map[string][]byte

// Change is what a call of Put asks for.
type Change struct {
	Key     string
	Data    []byte // canonical; nil deletes
	Version string
}

// NewChange refuses what no store takes.
func NewChange(key string, data []byte, version string) (Change, error) {
	if !utf8.ValidString(key) {
		return Change{}, fmt.Errorf("put %q: the key is not valid UTF-8", key)
	}
	c := Change{Key: key, Version: version}
	if data == nil {
		return c, nil
	}
	var err error
	if c.Data, err = document.Canonical(data); err != nil {
		return Change{}, fmt.Errorf("put %s: %w", key, err)
	}
	return c, nil
}

// Compare says whether the change makes a difference to what is there, or returns an error that is [ErrConflict].
func (c Change) Compare(old []byte) (differs bool, err error) {
	if VersionOf(old) != c.Version {
		return false, fmt.Errorf("put %s: %w", c.Key, ErrConflict)
	}
	return !bytes.Equal(old, c.Data), nil
}

// VersionOf is the version of a document, which its content decides; "" is that of none.
func VersionOf(data []byte) string {
	if data == nil {
		return ""
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:16])
}

// Get is the Get of a [Store] that has these documents.
func (d Documents) Get(key string) (Document, error) {
	data, ok := d[key]
	if !ok {
		return Document{Now: time.Now()}, fmt.Errorf("get %s: %w", key, fs.ErrNotExist)
	}
	return Document{Data: bytes.Clone(data), Version: VersionOf(data), Now: time.Now()}, nil
}

// Set replaces a document; nil removes it.
func (d Documents) Set(key string, data []byte) {
	if data == nil {
		delete(d, key)
	} else {
		d[key] = data
	}
}

// List is the List of a [Store] that has these documents.
func (d Documents) List(prefix string) []string {
	keys := slices.Sorted(maps.Keys(d))
	return slices.DeleteFunc(keys, func(key string) bool { return !strings.HasPrefix(key, prefix) })
}
