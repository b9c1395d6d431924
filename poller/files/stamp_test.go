package files_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/bittrance/kitops/poller/files"
)

func TestAStampTellsAFileFromTheNext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	if s := files.StampOf(path); !s.Missing() || !s.Same(files.Stamp{}) {
		t.Error("a file that is not there has a stamp")
	}
	must(t, os.WriteFile(path, []byte("one"), 0o600))
	when := time.Now().Add(-time.Hour)
	must(t, os.Chtimes(path, when, when))
	first := files.StampOf(path)
	if !first.Same(files.StampOf(path)) || first.Same(files.Stamp{}) || first.Missing() {
		t.Error("a file is not what it was")
	}
	must(t, os.WriteFile(path, []byte("two"), 0o600))
	if first.Same(files.StampOf(path)) {
		t.Error("a new time is not seen")
	}
	must(t, os.WriteFile(path, []byte("three"), 0o600))
	must(t, os.Chtimes(path, when, when))
	if first.Same(files.StampOf(path)) {
		t.Error("another size is not seen")
	}
	must(t, os.WriteFile(path+".new", []byte("one"), 0o600))
	must(t, os.Chtimes(path+".new", when, when))
	must(t, os.Rename(path+".new", path))
	if first.Same(files.StampOf(path)) {
		t.Error("a replacement is not seen")
	}
}
