package upgrade

import (
	"bytes"
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// copyLabels copies what the kernel goes by. See xattr(7).
func copyLabels(path, model string) error {
	for _, name := range []string{"security.selinux", "security.capability"} {
		want, err := label(model, name)
		if err != nil {
			return err
		}
		have, err := label(path, name)
		if err != nil {
			return err
		}
		if want == nil || bytes.Equal(want, have) {
			continue
		}
		if err := unix.Setxattr(path, name, want, 0); err != nil {
			return fmt.Errorf("set %s: %w", name, err)
		}
	}
	return nil
}

// label is nil where there is none.
func label(path, name string) ([]byte, error) {
	value := make([]byte, 4096)
	n, err := unix.Getxattr(path, name, value)
	if errors.Is(err, unix.ENODATA) || errors.Is(err, unix.ENOTSUP) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("get %s: %w", name, err)
	}
	return value[:n], nil
}
