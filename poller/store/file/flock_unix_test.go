//go:build unix

package file

import (
	"errors"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestAFileSystemWithoutLocksIsNamedWithARemedy(t *testing.T) {
	for _, no := range []error{unix.ENOLCK, unix.ENOSYS, unix.ENOTSUP} {
		if err := explainLock(no); !errors.Is(err, no) || !strings.Contains(err.Error(), "a local disk") {
			t.Error(err)
		}
	}
}
