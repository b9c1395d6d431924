package document_test

import (
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/store/document"
	"github.com/bittrance/kitops/poller/store/storetest"
)

// FuzzSingle: what is read of an object is written so that it reads the same again.
func FuzzSingle(f *testing.F) {
	for _, data := range storetest.OddDocuments() {
		text, err := document.Encode([]byte(data), "kitops", "save")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		data, err := document.Decode("a.yaml", text)
		if err != nil {
			return
		}
		again, err := document.Encode(data, "kitops", "save")
		if err != nil {
			return // too large with its head
		}
		if back, err := document.Decode("a.yaml", again); err != nil || string(back) != string(data) {
			t.Errorf("%q became %q: %v", data, back, err)
		}
	})
}

// FuzzCanonical: what is known to be canonical is so by the parser, too, and what the parser writes is what it writes again.
func FuzzCanonical(f *testing.F) {
	for _, data := range storetest.OddDocuments() {
		f.Add([]byte(data))
		if text, err := document.ParsedCanonical([]byte(data)); err == nil {
			f.Add(text)
		}
	}
	for _, text := range []string{
		"a: b\nb:\n  c: d\n", "a:\n  - b\n  - c: d\n    e: f\n  - - g\n", "\"a: b\": \"c\\n\"\n", "a:b: c\n", "a: b: c\n", "a:\n", "a: -0\n", "a: +1\n", "a: 007\n",
		"a:\n    b: c\n", "a:\n - b\n", "- a\n", "b: 1\na: 1\n", "a: 1\na: 1\n", "a: b \n", "a:  b\n", "a: b\n\n", "a: yes\n", "null: 1\n", "a: \"b\"\n", "a: {}\nb: []\n", "a: [1]\n", "a: b\n c: d\n",
		strings.Repeat("a", 600) + ": b\n", strings.Repeat("a", 2000) + ": b\n", "{}\n", "{}", "a: 99999999999999999999\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		parsed, err := document.ParsedCanonical(text)
		if known := document.IsCanonical(string(text)); known && (err != nil || string(parsed) != string(text)) {
			t.Errorf("%q was taken for canonical, but is %q, %v", text, parsed, err)
		}
		if err != nil {
			return
		}
		if again, err := document.ParsedCanonical(parsed); err != nil || string(again) != string(parsed) {
			t.Errorf("%q became %q and then %q, %v", text, parsed, again, err)
		}
	})
}
