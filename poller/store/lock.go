package store

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/gofrs/flock"
)

// Lock is a kernel lock on a file: gone with the process, however it ends, and not inherited by its children.
// The file stays, and means nothing by itself.
type Lock struct {
	path string
	lock *flock.Flock
}

// LockedError says who holds a lock.
type LockedError struct {
	Path  string
	Owner string // in words; empty in the moment before the owner has introduced itself
}

func (e *LockedError) Error() string {
	owner := e.Owner
	if owner == "" {
		owner = "another process"
	}
	return fmt.Sprintf("%s is held by %s", e.Path, owner)
}

// AcquireLock takes the lock on the file at path, and makes the file if it is missing.
// When it is held, by this process too, it returns *[LockedError] at once.
// Keep the lock until it is released: one that is garbage is free.
func AcquireLock(path string) (*Lock, error) {
	l := &Lock{path, flock.New(path, flock.SetFlag(os.O_CREATE|os.O_RDWR), flock.SetPermissions(0o600))}
	ok, err := l.lock.TryLock()
	for errors.Is(err, syscall.EINTR) { // a signal came meanwhile
		ok, err = l.lock.TryLock()
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("lock %s: the directory %s does not exist", path, filepath.Dir(path))
	case err != nil:
		return nil, fmt.Errorf("lock %s: %w", path, explainLock(err))
	case !ok:
		return nil, &LockedError{path, readOwner(path)}
	}
	host, err := os.Hostname()
	if err != nil {
		host = "an unknown host"
	}
	// A courtesy to whoever finds it locked: a full disk is no reason to have no lock.
	_ = l.introduce(fmt.Sprintf("pid %d on %s since %s\n", os.Getpid(), host, time.Now().Format(time.RFC3339)))
	return l, nil
}

// explainLock adds the remedy to the errors of file systems that have no locks.
func explainLock(err error) error {
	if errors.Is(err, syscall.ENOLCK) || errors.Is(err, syscall.ENOTSUP) || errors.Is(err, syscall.ENOSYS) {
		return fmt.Errorf("%w (the file system has no locks: mount it with them, for NFS with a lock service and without nolock, for SMB without nobrl; or use a local disk)", err)
	}
	return err
}

// Release frees the lock. Once is enough, and it may be called again.
func (l *Lock) Release() error {
	if !l.lock.Locked() {
		return nil
	}
	_ = l.introduce("") // a courtesy: the words mean nothing without the lock
	if err := l.lock.Unlock(); err != nil {
		return fmt.Errorf("release %s: %w", l.path, err)
	}
	return nil
}

// ownerAt is where the owner's words begin: Windows lets nobody read the byte that is locked.
func ownerAt() int64 {
	if runtime.GOOS == "windows" {
		return 1
	}
	return 0
}

func (l *Lock) introduce(owner string) error {
	file, err := os.OpenFile(l.path, os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	// Emptied first: better no owner for a moment than the one before.
	err = file.Truncate(ownerAt())
	if err == nil {
		_, err = file.WriteAt([]byte(owner), ownerAt())
	}
	return errors.Join(err, file.Close())
}

// readOwner is best effort: whoever holds the lock holds it, whatever the file says.
func readOwner(path string) string {
	file, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer file.Close()
	const most = 1 << 10
	text, err := io.ReadAll(io.NewSectionReader(file, ownerAt(), most))
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(text))
}
