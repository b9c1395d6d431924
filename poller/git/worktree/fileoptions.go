package worktree

import (
	"strconv"

	"github.com/bittrance/kitops/poller/git/disk"
)

// FileOptions say how the files of a checkout are written.
type FileOptions struct {
	Limit int64           // bytes of all files
	Owner *Owner          // whom files and directories belong to; nil: the agent's user
	Stats bool            // keep what the file system says of each file
	Room  *disk.FreeSpace // on the disk; nil: no end
}

// open gives a goroutine what it writes with.
func (w *TreeWriter) open() (*outDir, error) { return w.openFor(w.Plan) }

// openFor is open for what is there of another plan.
func (w *TreeWriter) openFor(p *Plan) (*outDir, error) {
	out, err := OpenOutDir(w.Dir, p)
	if err != nil {
		return nil, err
	}
	out.owner, out.stats, out.Dev = w.Owner, w.Stats, w.Dev
	if w.Stage == "" {
		return out, nil
	}
	if err := out.replacing(w.Stage, strconv.Itoa(int(w.stages.Add(1)))); err != nil {
		out.Close()
		return nil, err
	}
	return out, nil
}

// note keeps what is known of a file that was just written.
func (w *TreeWriter) note(out *outDir, file int, err error) error {
	if err == nil && w.Found != nil {
		w.Found[file] = out.last
	}
	return err
}
