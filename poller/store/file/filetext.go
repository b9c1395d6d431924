package file

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/bittrance/kitops/poller/store"
	"github.com/bittrance/kitops/poller/store/document"
)

const mostWhole = 32 << 20 // bytes that are not given back between saves: the state of 50,000 tasks

// fileText is the text of a file in parts, so that a change of one document among thousands costs no more than copying.
// Keys and each document's lines are sorted, so that a diff shows what changed.
type fileText struct {
	writer string
	keys   []string          // sorted
	parts  map[string][]byte // of each document
	size   int               // of the documents themselves; in the file their lines are indented
	whole  []byte            // as it was made last, unless it grows then
}

func newFileText(docs store.Documents, writer string) *fileText {
	t := &fileText{writer: writer, keys: slices.Sorted(maps.Keys(docs)), parts: make(map[string][]byte, len(docs))}
	for key, data := range docs {
		t.parts[key] = partOf(key, data)
		t.size += len(key) + len(data)
	}
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

// bytes is the whole file, until the next call. One that is to grow says so, and where it ends.
func (t *fileText) bytes(grows bool) []byte {
	b := append(t.whole[:0], header...)
	version := document.FormatVersion
	if grows {
		b, version = append(b, growing...), grownVersion
	}
	b = fmt.Appendf(b, "version: %d%s\ntasks:", version, writtenBy(t.writer))
	if len(t.keys) == 0 {
		b = append(b, " {}"...)
	}
	b = append(b, '\n')
	for _, key := range t.keys {
		b = append(b, t.parts[key]...)
	}
	if grows {
		b = append(b, ending...)
	}
	if t.whole = b; grows || len(b) > mostWhole {
		t.whole = nil
	}
	return b
}

// writtenBy is a comment: versions before this one refuse any other key.
func writtenBy(writer string) string {
	if writer == "" || strings.ContainsFunc(writer, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return ""
	}
	return " # written by " + writer
}

// partOf is a document with its key.
func partOf(key string, data []byte) []byte {
	var b bytes.Buffer
	b.WriteString("  " + document.Quote(key) + ":")
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
func encode(docs store.Documents) []byte { return newFileText(docs, "").bytes(false) }
