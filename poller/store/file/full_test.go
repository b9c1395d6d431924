package file_test

import (
	"bytes"
	"strings"
	"testing"
)

// TestAFullFileTakesNoMore keeps what is there changeable when one key wants too much.
func TestAFullFileTakesNoMore(t *testing.T) {
	f := open(t, t.TempDir()+"/state.yaml")
	f.SetFull(480_000)
	small, err := f.Put(t.Context(), "small", []byte("x: 1\n"), "")
	if err != nil {
		t.Fatal(err)
	}
	large := append([]byte("x: "), bytes.Repeat([]byte("y"), 150_000)...)
	for _, key := range []string{"a", "b", "c"} {
		if _, err := f.Put(t.Context(), key, large, ""); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := f.Put(t.Context(), "d", large, ""); err == nil || !strings.Contains(err.Error(), "put d: the file would have") {
		t.Errorf("error %v", err)
	}
	if _, err := f.Put(t.Context(), "small", []byte("x: 2\n"), small); err != nil {
		t.Errorf("another document cannot be changed any more: %v", err)
	}
}
