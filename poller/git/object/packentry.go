package object

import (
	"errors"
)

var ErrTooLarge = errors.New("an object is too large")
