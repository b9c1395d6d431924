package files

import "errors"

// ErrDeep says that directories are nested deeper than is looked into.
var ErrDeep = errors.New("directories are nested too deep")
