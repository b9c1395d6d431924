//go:build unix

package store

import (
	"errors"
	"strings"
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

func TestAFileSystemWithoutLocksIsNamedWithARemedy(t *testing.T) {
	for _, no := range []error{unix.ENOLCK, unix.ENOSYS, unix.ENOTSUP} {
		ok, err := lockWith(script(no))
		if ok || !errors.Is(err, no) || !strings.Contains(err.Error(), "a local disk") {
			t.Errorf("%t, %v", ok, err)
		}
	}
}
