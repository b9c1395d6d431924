package runners

import "io/fs"

const nonblock = 0

func ownerOf(fs.FileInfo) (uid, gid int, known bool) { return 0, 0, false }
