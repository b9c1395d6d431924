package git

// fileInfo is what a name in a directory stands for.
type fileInfo struct {
	kind   mode // modeFile, modeSymlink or modeDir; 0: something else
	perm   uint64
	size   int64
	linked bool  // it has other names; false if that is not known
	id     dirID // of the file, too; zero if it is not known
	stat   fileStat
}

// is says whether a file has the kind and the permissions that are planned.
func (i *fileInfo) is(f planFile) bool {
	if f.mode == modeSymlink {
		return i.kind == modeSymlink
	}
	return i.kind == modeFile && (i.perm == uint64(f.perm()) || !hasModes)
}

// belongs says whether a file has the owner it should have, which may be nil.
func (i *fileInfo) belongs(to *Owner) bool {
	return to == nil || i.stat.uid == uint32(to.UID) && i.stat.gid == uint32(to.GID)
}
