package file

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/bittrance/kitops/poller/files"
	"github.com/bittrance/kitops/poller/store"
	"github.com/bittrance/kitops/poller/store/document"
)

// read returns the documents in a file and the file they are from, nil if there is none. Grown tells its form.
func read(path string) (docs store.Documents, grown bool, info fs.FileInfo, err error) {
	// Looked at before it is opened: a pipe would block.
	info, err = os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return store.Documents{}, false, nil, nil
	}
	if err != nil {
		return nil, false, nil, fmt.Errorf("read state: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, false, nil, &document.FormatError{Path: path, Problem: "not a regular file", Remedy: "name a file that kitops may replace"}
	}
	file, err := os.Open(path)
	if err != nil {
		return nil, false, nil, fmt.Errorf("read state: %w", err)
	}
	defer file.Close()
	if info, err = file.Stat(); err != nil {
		return nil, false, nil, fmt.Errorf("read state: %w", err)
	}
	data, err := io.ReadAll(io.LimitReader(file, maxFile+1))
	if err != nil {
		return nil, false, nil, fmt.Errorf("read state: %w", err)
	}
	if len(data) > maxFile {
		return nil, false, nil, &document.FormatError{Path: path, Problem: fmt.Sprintf("larger than the %d bytes that kitops reads", maxFile), Remedy: mend}
	}
	docs, grown, err = decode(path, data)
	return docs, grown, info, err
}

// save replaces the file, so that a crash at any moment leaves the old one or the new one.
// Without an info the old one is in place still; with info and an error the new one is, but may not outlive a power cut.
func save(path string, data []byte) (fs.FileInfo, error) {
	if len(data) > maxFile {
		return nil, fmt.Errorf("save %s: %d bytes, at most %d are allowed", path, len(data), maxFile)
	}
	target, err := resolve(path)
	if err != nil {
		return nil, fmt.Errorf("save %s: %w", path, err)
	}
	info, temp, err := writeTemp(target, data)
	if err == nil {
		err = explain(os.Rename(temp, target))
	}
	if err != nil {
		if temp != "" {
			_ = os.Remove(temp) // else the next start sweeps it
		}
		return nil, fmt.Errorf("save %s: %w", path, err)
	}
	if err := files.SyncDir(filepath.Dir(target)); err != nil {
		return info, fmt.Errorf("save %s: %w", path, err)
	}
	return info, nil
}

// writeTemp writes data to a durable file beside target, readable to those who may read target. On errors temp may be there still.
func writeTemp(target string, data []byte) (info fs.FileInfo, temp string, err error) {
	mode := fs.FileMode(0o600)
	if old, err := os.Stat(target); err == nil {
		mode = old.Mode().Perm()
	}
	file, err := os.CreateTemp(filepath.Dir(target), "."+filepath.Base(target)+".*.tmp")
	if err != nil {
		return nil, "", err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := chmod(file, mode); err != nil {
		return nil, file.Name(), err
	}
	if _, err := file.Write(data); err != nil {
		return nil, file.Name(), err
	}
	if err := file.Sync(); err != nil {
		return nil, file.Name(), err
	}
	info, err = file.Stat()
	return info, file.Name(), err
}

// chmod changes the mode where it is another. File systems that have none refuse
// that (vfat, a folder of Windows in WSL or Docker Desktop): then nobody is kept
// out who could read the file that is replaced.
func chmod(file *os.File, mode fs.FileMode) error {
	info, err := file.Stat()
	if err != nil || info.Mode().Perm() == mode {
		return err
	}
	err = file.Chmod(mode)
	if errors.Is(err, fs.ErrPermission) && info.Mode().Perm()&^mode == 0 {
		return nil // it is closed to more than was asked for
	}
	return err
}

// explain adds the remedy to the errors of renaming onto a file that is mounted into a container by itself.
func explain(err error) error {
	if errors.Is(err, syscall.EBUSY) || errors.Is(err, syscall.EXDEV) {
		return fmt.Errorf("%w (the file is a mount point: mount the directory, not the file)", err)
	}
	return err
}

// resolve follows path to the file that is to be replaced, which need not exist, so that a symlink stays one.
func resolve(path string) (string, error) {
	real, _, err := files.Real(path) // whoever opened the file has told of doubts
	return real, err
}

// sweep removes what a killed process was writing for the file at path.
func sweep(path string) error {
	target, err := resolve(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read state: %w", err)
	}
	ours := func(name string) bool {
		digits, ok := strings.CutPrefix(name, "."+filepath.Base(target)+".")
		digits, temporary := strings.CutSuffix(digits, ".tmp")
		return ok && temporary && digits != "" && strings.Trim(digits, "0123456789") == ""
	}
	entries, err := os.ReadDir(filepath.Dir(target))
	if err != nil {
		return nil //nolint:nilerr // a directory may be closed to listing, and the file still readable
	}
	for _, entry := range entries {
		if ours(entry.Name()) && entry.Type().IsRegular() {
			_ = os.Remove(filepath.Join(filepath.Dir(target), entry.Name())) // in the way of nothing
		}
	}
	return nil
}
