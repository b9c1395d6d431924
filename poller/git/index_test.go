package git

import (
	"os"
	"testing"

	"github.com/bittrance/kitops/poller/git/index"
)

func readIndex(t *testing.T, path string) *index.File {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	x, err := index.Parse(content)
	if err != nil {
		t.Fatal(err)
	}
	return x
}
