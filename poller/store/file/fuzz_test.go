package file_test

import (
	"bytes"
	"errors"
	"maps"
	"testing"

	"github.com/goccy/go-yaml"

	"github.com/bittrance/kitops/poller/store/document"
	"github.com/bittrance/kitops/poller/store/file"
	"github.com/bittrance/kitops/poller/store/storetest"
)

// FuzzFile: what Put takes is in the file, word for word in its canonical form, and means the same.
func FuzzFile(f *testing.F) {
	for i, data := range storetest.OddDocuments() {
		f.Add(storetest.OddKeys()[i], []byte(data))
	}
	for _, key := range storetest.OddKeys() {
		f.Add(key, []byte("a: 1"))
	}
	f.Fuzz(func(t *testing.T, key string, data []byte) {
		before, after, err := file.Roundtrip(key, data)
		if before == nil {
			return // refused
		}
		if err != nil {
			t.Fatalf("what was written does not read: %v\n%q", err, before)
		}
		if !maps.EqualFunc(before, after, bytes.Equal) {
			t.Fatalf("wrote %q, read %q", before, after)
		}
		if _, again, err := file.Roundtrip(key, after[key]); err != nil || !bytes.Equal(again[key], after[key]) {
			t.Fatalf("written again %q becomes %q, error %v", after[key], again[key], err)
		}
		// NaN differs from itself, and the decoder refuses some of what the parser takes.
		var meant any
		if yaml.Unmarshal(data, &meant) != nil || bytes.Contains(bytes.ToLower(data), []byte(".nan")) {
			return
		}
		if err := storetest.SameMeaning(after[key], data); err != nil {
			t.Fatal(err)
		}
	})
}

// FuzzOpen: foreign bytes are refused with a FormatError, or read the same ever after.
func FuzzOpen(f *testing.F) {
	for _, file := range goodFiles() {
		f.Add([]byte(file))
	}
	for _, file := range badFiles() {
		if len(file.text) < 1000 { // mutating the large ones takes all the time
			f.Add([]byte(file.text))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		written, docs, err := file.Decode(data)
		if err != nil {
			var format *document.FormatError
			if !errors.As(err, &format) || format.Problem == "" || format.Remedy == "" {
				t.Fatalf("error %#v, want a FormatError that helps", err)
			}
			return
		}
		again, docsAgain, err := file.Decode(written)
		if err != nil || !bytes.Equal(written, again) || !maps.EqualFunc(docs, docsAgain, bytes.Equal) {
			t.Fatalf("%q was read, and written as %q, then as %q, error %v", data, written, again, err)
		}
	})
}
