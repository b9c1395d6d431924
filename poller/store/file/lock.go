package file

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/bittrance/kitops/poller/files"
)

// Lock is a kernel lock on a file: gone with the process, however it ends, and not inherited by its children.
// The file stays, and means nothing by itself. It may be used concurrently.
type Lock struct {
	path string

	mu   sync.Mutex
	file *os.File // nil: released
}

// patience is for a lock whose owner is dead: a child that it was making when it was killed has the lock, too, until it is
// another program, which takes no time but on a busy machine.
const patience = 2 * time.Second

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
// When it is held, by this process too, it returns *[LockedError] at once; when its owner is dead, after two seconds. A link in its place, and a file or a directory that
// another user could lead elsewhere, is *[files.NotMineError].
// Keep the lock until it is released: one that is garbage is free.
func AcquireLock(path string) (*Lock, error) {
	file, err := lockFile(path)
	if err != nil {
		return nil, err
	}
	return &Lock{path: path, file: file}, nil
}

// lockFile opens, locks and signs the file.
func lockFile(path string) (*os.File, error) {
	const tries = 10 // one is enough unless others remove the file meanwhile
	begin := time.Now()
	for tried := 0; tried < tries; tried++ {
		file, err := openLock(path)
		if err != nil {
			return nil, err
		}
		switch ok, err := tryLock(file); {
		case err != nil:
			return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), file.Close())
		case !ok:
			owner := readOwner(path)
			_ = file.Close()
			if time.Since(begin) >= patienceWith(owner) {
				return nil, &LockedError{path, owner}
			}
			time.Sleep(patience / 100)
			tried--
		case inPlace(file, path):
			// A courtesy to whoever finds it locked: a full disk is no reason to have no lock.
			_ = sign(file, owner())
			return file, nil
		}
		_ = file.Close() // a lock on what is not there any more
	}
	return nil, fmt.Errorf("lock %s: somebody removes it all the time", path)
}

// patienceWith is how long an owner may be waited for: one that is dead, or that
// has yet to introduce itself or is taking its leave, which is a moment.
func patienceWith(owner string) time.Duration {
	switch {
	case owner == "":
		return patience / 10
	case dead(owner):
		return patience
	}
	return 0
}

func openLock(path string) (*os.File, error) {
	if _, err := os.Stat(filepath.Dir(path)); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("lock %s: the directory %s does not exist", path, filepath.Dir(path))
	}
	file, err := files.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if _, ok := errors.AsType[*files.NotMineError](err); ok {
		return nil, err // which names the path
	}
	if err != nil {
		return nil, fmt.Errorf("lock %s: %w", path, err)
	}
	return file, nil
}

// tryLock takes the kernel lock of an open file, false when another has it.
func tryLock(file *os.File) (bool, error) {
	ok, err := files.TryLock(file)
	return ok, explainLock(err)
}

// explainLock adds the remedy to the errors of file systems that have no locks.
func explainLock(err error) error {
	if errors.Is(err, syscall.ENOLCK) || errors.Is(err, syscall.ENOTSUP) || errors.Is(err, syscall.ENOSYS) {
		return fmt.Errorf("%w (the file system has no locks: mount it with them, for NFS with a lock service and without nolock, for SMB without nobrl; or use a local disk)", err)
	}
	return err
}

// inPlace tells whether path still leads to the file.
func inPlace(file *os.File, path string) bool {
	held, err := file.Stat()
	if err != nil {
		return false
	}
	there, err := os.Lstat(path)
	return err == nil && os.SameFile(held, there)
}

func owner() string {
	return fmt.Sprintf("%s since %s\n", ownerOf(os.Getpid()), time.Now().Format(time.RFC3339))
}

func ownerOf(pid int) string {
	host, err := os.Hostname()
	if err != nil {
		host = "an unknown host"
	}
	return fmt.Sprintf("pid %d on %s", pid, host)
}

// dead tells whether an owner was a process of this host that is no more.
func dead(owner string) bool {
	var pid int
	_, err := fmt.Sscanf(owner, "pid %d on", &pid)
	return err == nil && pid > 0 && strings.HasPrefix(owner, ownerOf(pid)+" since ") && gone(pid)
}

// Renew takes the lock anew when somebody has removed or replaced its file, so that no other process takes it for free, and says
// whether it had to. When another process has it by now, the error is *[LockedError]: this one must not go on.
func (l *Lock) Renew() (renewed bool, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil || inPlace(l.file, l.path) {
		return false, nil
	}
	if err := os.MkdirAll(filepath.Dir(l.path), 0o700); err != nil { // the directory went with it
		return false, err
	}
	file, err := lockFile(l.path)
	if err != nil {
		return false, err
	}
	old := l.file
	l.file = file
	return true, old.Close()
}

// MoveWith calls move, which moves the file to the path it returns. The lock goes with it.
func (l *Lock) MoveWith(move func() (path string, err error)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	path, err := move()
	if err == nil {
		l.path = path
	}
	return err
}

// Path is that of the lock's file.
func (l *Lock) Path() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.path
}

// Release frees the lock. Once is enough, and it may be called again.
func (l *Lock) Release() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	_ = sign(l.file, "") // a courtesy: the words mean nothing without the lock
	err := l.file.Close()
	l.file = nil
	if err != nil {
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

// sign leaves word of the owner.
func sign(file *os.File, owner string) error {
	// Emptied first: better no owner for a moment than the one before.
	err := file.Truncate(ownerAt())
	if err == nil {
		_, err = file.WriteAt([]byte(owner), ownerAt())
	}
	return err
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
