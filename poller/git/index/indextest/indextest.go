// Package indextest reads indexes in tests.
package indextest

import (
	"os"
	"testing"

	"github.com/bittrance/kitops/poller/git/index"
	"github.com/bittrance/kitops/poller/git/object"
)

// Read reads an index file, which must be sound.
func Read(t *testing.T, path string) *index.File {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	x, err := index.Parse(content, object.SHA1)
	if err != nil {
		t.Fatal(err)
	}
	return x
}
