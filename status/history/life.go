package history

import (
	"os"
	"path/filepath"

	"github.com/bittrance/kitops/poller/files"
)

// lifeFile is locked by the agent that writes a history, as long as it lives.
const lifeFile = "agent.lock"

// claim tells others that an agent lives. It can do without: then they take what
// runs for cut off.
func (db *database) claim(dir *files.Dir) {
	file, err := dir.OpenFile(lifeFile, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return
	}
	if got, err := files.TryLock(file); !got || err != nil {
		_ = file.Close()
		return
	}
	db.life = file
}

// orphaned tells whether the agent of a history has ended.
func orphaned(dir *files.Dir) bool {
	file, err := files.OpenFile(filepath.Join(dir.Path(), lifeFile), os.O_RDONLY, 0)
	if err != nil {
		return true
	}
	defer func() { _ = file.Close() }()
	free, err := files.TryLock(file)
	return free || err != nil
}
