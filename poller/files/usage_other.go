//go:build !unix

package files

import "errors"

// Usage is not known here.
func Usage(string) (int64, error) { return 0, errors.ErrUnsupported }
