package disk

import (
	"errors"
	"fmt"
)

var ErrTooMuch = errors.New("the limit of --max-repo-size")

func TooMuch(limit int64) error { return fmt.Errorf("more than %d bytes, %w", limit, ErrTooMuch) }
