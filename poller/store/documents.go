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
)

// documents holds each document in its canonical form.
type documents map[string][]byte

// write is one call of Put. Its error is set before done is closed.
type write struct {
	key     string
	data    []byte // canonical; nil deletes
	version string
	done    chan struct{}
	err     error
}

func newWrite(key string, data []byte, version string) (*write, error) {
	if !utf8.ValidString(key) {
		return nil, fmt.Errorf("put %q: the key is not valid UTF-8", key)
	}
	w := &write{key: key, version: version, done: make(chan struct{})}
	if data == nil {
		return w, nil
	}
	var err error
	if w.data, err = canonical(data); err != nil {
		return nil, fmt.Errorf("put %s: %w", key, err)
	}
	return w, nil
}

// apply does the compare and the swap, and says whether anything is different now.
func (d documents) apply(w *write) (changed bool, err error) {
	changed, err = w.changes(d[w.key])
	if changed {
		d.set(w.key, w.data)
	}
	return changed, err
}

func (d documents) set(key string, data []byte) {
	if data == nil {
		delete(d, key)
	} else {
		d[key] = data
	}
}

// changes compares the write with what is there, and says whether it makes a difference.
func (w *write) changes(old []byte) (bool, error) {
	if versionOf(old) != w.version {
		return false, fmt.Errorf("put %s: %w", w.key, ErrConflict)
	}
	return !bytes.Equal(old, w.data), nil
}

func (d documents) get(key string) (Document, error) {
	data, ok := d[key]
	if !ok {
		return Document{}, fmt.Errorf("get %s: %w", key, fs.ErrNotExist)
	}
	return Document{Data: bytes.Clone(data), Version: versionOf(data), Now: time.Now()}, nil
}

// size is that of the documents themselves; in the file their lines are indented.
func (d documents) size() int {
	size := 0
	for key, data := range d {
		size += len(key) + len(data)
	}
	return size
}

func (d documents) list(prefix string) []string {
	keys := slices.Sorted(maps.Keys(d))
	return slices.DeleteFunc(keys, func(key string) bool { return !strings.HasPrefix(key, prefix) })
}

func versionOf(data []byte) string {
	if data == nil {
		return ""
	}
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:16])
}
