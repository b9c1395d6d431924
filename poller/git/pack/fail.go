package pack

import (
	"io"
	"io/fs"
	"os"
)

// Fail is asked before a step ("open" or "write") of a file that a
// mirror keeps: what it returns is the error of the step, nil lets it happen.
// Tests have a disk be full with it, as with safedir.Fail.
type Fail func(op, path string) error

// At is the error of a step, nil for none. A nil Fail has none.
func (f Fail) At(op, path string) error {
	if f == nil {
		return nil
	}
	if err := f(op, path); err != nil {
		return &fs.PathError{Op: op, Path: path, Err: err}
	}
	return nil
}

// Writer writes to a file what f lets it.
func (f Fail) Writer(file *os.File) io.Writer {
	if f == nil {
		return file
	}
	return failingFile{file, f}
}

type failingFile struct {
	file *os.File
	fail Fail
}

func (w failingFile) Write(p []byte) (int, error) {
	if err := w.fail.At("write", w.file.Name()); err != nil {
		return 0, err
	}
	return w.file.Write(p)
}
