package git

import (
	"github.com/bittrance/kitops/poller/git/disk"
)

func (m *Mirror) room(dir string) *disk.Room {
	if m.space == nil {
		return &disk.Room{Dir: dir, Space: disk.SpaceOf}
	}
	return &disk.Room{Dir: dir, Space: m.space}
}
