//go:build !unix

package files

import (
	"context"
	"errors"
)

// Usage is not known here.
func Usage(string) (int64, error) { return 0, errors.ErrUnsupported }

// Grown is not known here.
func Grown(context.Context, string, int64) (int64, error) { return 0, errors.ErrUnsupported }
