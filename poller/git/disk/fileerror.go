package disk

import (
	"os"
)

// FileError is err with what was done to which file; nil stays nil.
func FileError(op, name string, err error) error {
	if err == nil {
		return nil
	}
	return &os.PathError{Op: op, Path: name, Err: err}
}
