package worktree

import (
	"github.com/bittrance/kitops/poller/git/index"
	"github.com/bittrance/kitops/poller/git/object"
)

// fileInfo is what a name in a directory stands for.
type fileInfo struct {
	kind   object.Mode // modeFile, modeSymlink or modeDir; 0: something else
	perm   uint64
	size   int64
	linked bool  // it has other names; false if that is not known
	id     dirID // of the file, too; zero if it is not known
	stat   index.FileStat
}

// is says whether a file has the kind and the permissions that are planned.
func (i *fileInfo) is(f PlanFile) bool {
	if f.Mode == object.ModeSymlink {
		return i.kind == object.ModeSymlink
	}
	return i.kind == object.ModeFile && (i.perm == uint64(f.perm()) || !hasModes)
}

// belongs says whether a file has the owner it should have, which may be nil.
func (i *fileInfo) belongs(to *Owner) bool {
	return to == nil || i.stat.Uid == uint32(to.UID) && i.stat.Gid == uint32(to.GID)
}
