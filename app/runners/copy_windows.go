package runners

import "io/fs"

func ownerOf(fs.FileInfo) (uid, gid int, known bool) { return 0, 0, false }
