package file_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/store"
	"github.com/bittrance/kitops/poller/store/file"
	"github.com/bittrance/kitops/poller/store/storetest"
)

func TestFile(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store {
		t.Helper()
		return open(t, filepath.Join(t.TempDir(), "state.yaml"))
	})
}

// TestSameVersion: what comes back unchanged is not decoded again, nor saved.
func TestSameVersion(t *testing.T) {
	for _, s := range []store.Store{store.NewMemory(), open(t, filepath.Join(t.TempDir(), "state.yaml"))} {
		first := put(t, s, "a", "n: 1", "")
		if again := put(t, s, "a", "n: 1", first); again != first {
			t.Errorf("unchanged, the version went from %q to %q", first, again)
		}
	}
}

func open(t *testing.T, path string) *file.Store {
	t.Helper()
	f, err := file.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// TestFileSaysWhoWroteIt in a comment, which versions that know no writer read over.
func TestFileSaysWhoWroteIt(t *testing.T) {
	for writer, want := range map[string]string{"kitops/0.2.0": "version: 1 # written by kitops/0.2.0\n", "": "version: 1\n", "two\nlines": "version: 1\n"} {
		path := filepath.Join(t.TempDir(), "state.yaml")
		f, err := file.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		f.Writer = writer
		if _, err := f.Put(t.Context(), "a", []byte("{b: c}"), ""); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(path)
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%q, %v", text, err)
		}
		if _, err := file.Open(path); err != nil {
			t.Error(err)
		}
	}
}
