//go:build unix

package files

import (
	"testing"

	"golang.org/x/sys/unix"
)

// script answers one call after the other.
func script(answers ...error) func() error {
	return func() error {
		answer := answers[0]
		answers = answers[1:]
		return answer
	}
}

func TestAnInterruptedLockIsTriedAgain(t *testing.T) {
	if ok, err := lockWith(script(unix.EINTR, unix.EINTR, nil)); !ok || err != nil {
		t.Errorf("%t, %v", ok, err)
	}
	if ok, err := lockWith(script(unix.EINTR, unix.EWOULDBLOCK)); ok || err != nil {
		t.Errorf("%t, %v", ok, err)
	}
}
