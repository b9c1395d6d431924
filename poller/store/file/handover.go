package file

import (
	"errors"
	"fmt"
	"os"
)

// AdoptLock takes over a lock that this process held before it executed another
// program: its file was kept open. It closes a file that is no lock on path.
func AdoptLock(file *os.File, path string) (*Lock, error) {
	ok, err := tryLock(file)
	if err == nil && (!ok || !inPlace(file, path)) {
		err = errors.New("it is no lock on this file")
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("take over the lock on %s: %w", path, err), file.Close())
	}
	_ = sign(file, owner())
	return &Lock{path: path, file: file}, nil
}
