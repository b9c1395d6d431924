package store

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
)

const mostWhole = 4 << 20 // bytes that are not given back between saves

// fileText is the text of a file in parts, so that a change of one document among thousands costs no more than copying.
// Keys and each document's lines are sorted, so that a diff shows what changed.
type fileText struct {
	keys  []string          // sorted
	parts map[string][]byte // of each document
	size  int               // of the documents themselves; in the file their lines are indented
	whole []byte            // as it was made last
}

func newFileText(docs documents) *fileText {
	t := &fileText{keys: slices.Sorted(maps.Keys(docs)), parts: make(map[string][]byte, len(docs))}
	for key, data := range docs {
		t.parts[key] = partOf(key, data)
	}
	t.size = docs.size()
	return t
}

// set replaces the document old by data; nil is none.
func (t *fileText) set(key string, old, data []byte) {
	at, known := slices.BinarySearch(t.keys, key)
	if known {
		t.size -= len(key) + len(old)
	}
	switch {
	case data != nil:
		t.parts[key] = partOf(key, data)
		t.size += len(key) + len(data)
		if !known {
			t.keys = slices.Insert(t.keys, at, key)
		}
	case known:
		delete(t.parts, key)
		t.keys = slices.Delete(t.keys, at, at+1)
	}
}

// bytes is the whole file, until the next call.
func (t *fileText) bytes() []byte {
	b := fmt.Appendf(t.whole[:0], "%sversion: %d\ntasks:", header, formatVersion)
	if len(t.keys) == 0 {
		b = append(b, " {}"...)
	}
	b = append(b, '\n')
	for _, key := range t.keys {
		b = append(b, t.parts[key]...)
	}
	if t.whole = b; len(b) > mostWhole {
		t.whole = nil
	}
	return b
}

// partOf is a document with its key.
func partOf(key string, data []byte) []byte {
	var b bytes.Buffer
	b.WriteString("  " + quote(key) + ":")
	if data[0] == '{' {
		b.WriteByte(' ')
		b.Write(data)
		return b.Bytes()
	}
	b.WriteByte('\n')
	for line := range bytes.Lines(data) {
		b.WriteString("    ")
		b.Write(line)
	}
	return b.Bytes()
}

// encode writes the whole file.
func encode(docs documents) []byte { return newFileText(docs).bytes() }
