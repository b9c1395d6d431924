package odb

import (
	"context"
	"errors"
	"os"

	"github.com/bittrance/kitops/poller/git/disk"
	"github.com/bittrance/kitops/poller/git/object"
)

// AsDamage is err as the damage of an object, unless it is the fault of the file
// written to or read from, or the end of the context.
func AsDamage(err error, id object.ID) error {
	var file *os.PathError
	if errors.As(err, &file) || errors.Is(err, disk.ErrTooMuch) || errors.Is(err, disk.ErrNoRoom) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return object.Damaged("%s: %w", id, err)
}
