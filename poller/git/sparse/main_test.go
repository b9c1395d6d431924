package sparse_test

import (
	"os"
	"testing"

	"github.com/bittrance/kitops/poller/git/gittest"
)

func TestMain(m *testing.M) {
	gittest.InMemory()
	os.Exit(m.Run())
}
