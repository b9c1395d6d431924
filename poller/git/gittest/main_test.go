package gittest

import (
	"os"
	"testing"
)

func TestMain(m *testing.M) {
	InMemory()
	os.Exit(m.Run())
}

// inShort tells whether the short form tries a case: the others try the same calls in ways that change less.
func inShort(name string) bool {
	return !testing.Short() || name == "branches" || name == "a hundred objects" || name == "order of a tree" || name == "packed" || name == "modes"
}
