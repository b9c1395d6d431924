package gittest

import (
	"os"
	"strconv"
	"testing"
)

// Rounds is how many random rounds a test plays: few with -short, else n times
// KITOPS_TEST_ROUNDS, which is 1 unless it is set.
func Rounds(n, few int) int {
	if testing.Short() {
		return few
	}
	if more, err := strconv.Atoi(os.Getenv("KITOPS_TEST_ROUNDS")); err == nil && more > 1 {
		return n * more
	}
	return n
}
