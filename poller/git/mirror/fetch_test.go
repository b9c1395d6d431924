package mirror

import (
	"errors"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/pack"
)

// TestWhatIsBorrowedIsReadOnce reads an object once in a row, and takes none for
// the one whose name is all zeros.
func TestWhatIsBorrowedIsReadOnce(t *testing.T) {
	here, nowhere := idOf(t, strings.Repeat("12", 20)), idOf(t, strings.Repeat("00", 20))
	reads := 0
	last := &lastBorrowed{read: func(id object.ID) (pack.Base, error) {
		if reads++; id != here {
			return pack.Base{}, object.Missing(id)
		}
		return pack.Base{Kind: object.KindBlob}, nil
	}}
	for _, id := range []object.ID{nowhere, here, here, nowhere, here} {
		if _, err := last.borrow(id); errors.Is(err, object.ErrMissing) != (id == nowhere) {
			t.Errorf("%s: %v", id, err)
		}
	}
	if reads != 3 {
		t.Errorf("read %d times", reads)
	}
}
