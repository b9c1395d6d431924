package api

import (
	"fmt"
	"os"
	"path/filepath"
)

// maxPath is how long the path of a socket may be, in bytes (sun_path, unix(7)).
const maxPath = 107

// shortened is a path that leads to the same socket, short enough for the kernel: too
// long a one goes by way of its directory's descriptor. It is good until done.
func shortened(path string) (short string, done func(), err error) {
	if len(path) <= maxPath {
		return path, func() {}, nil
	}
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("/proc/self/fd/%d/%s", dir.Fd(), filepath.Base(path)), func() { _ = dir.Close() }, nil
}
