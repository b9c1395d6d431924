package object

import (
	"errors"
)

var ErrSHA256 = errors.New("the repository uses SHA-256 object names, which kitops cannot read yet")
