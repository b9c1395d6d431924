package disk

import (
	"errors"
	"fmt"
)

// ErrTooMuch says that a limit that the user set was passed.
var ErrTooMuch = errors.New("the limit of --max-repo-size")

// TooMuch is ErrTooMuch for a limit in bytes.
func TooMuch(limit int64) error { return fmt.Errorf("more than %d bytes, %w", limit, ErrTooMuch) }
