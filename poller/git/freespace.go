package git

import (
	"github.com/bittrance/kitops/poller/git/disk"
)

func (m *Mirror) room(dir string) *disk.FreeSpace {
	if m.space == nil {
		return &disk.FreeSpace{Dir: dir, Space: disk.SpaceOf}
	}
	return &disk.FreeSpace{Dir: dir, Space: m.space}
}
