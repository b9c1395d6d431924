package document_test

import (
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
