package worktree

import (
	"context"
	"io"
	"strconv"

	"github.com/bittrance/kitops/poller/git/disk"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/safedir"
)

// FileOptions say how the files of a checkout are written.
type FileOptions struct {
	Limit int64           // bytes of all files
	Owner *safedir.Owner  // whom files and directories belong to; nil: the agent's user
	Stats bool            // keep what the file system says of each file
	Room  *disk.FreeSpace // on the disk; nil: no end
	Fail  safedir.Fail    // for tests, see safedir.Dir

	// What blobs point to, for files with convert.LFS; nil: there are none.
	Fetch func(ctx context.Context, blobs []object.ID) error       // has it come
	Copy  func(to io.Writer, blob object.ID) error                 // writes it, in pieces
	Same  func(blob object.ID, size int64, content io.Reader) bool // says whether a file has it

	Progress *disk.Progress // counts files; nil: nobody asks

	Hurry <-chan struct{} // until it is closed everything else goes before the moving of files; nil: nothing does

	NoModes bool // the file system does not keep modes, see safedir.KeepsModes
}

// open gives a goroutine what it writes with.
func (w *TreeWriter) open() (*safedir.Dir, error) { return w.openFor(w.Plan) }

// openFor is open for what is there of another plan.
func (w *TreeWriter) openFor(p *Plan) (*safedir.Dir, error) {
	out, err := safedir.Open(w.Dir, p.above)
	if err != nil {
		return nil, err
	}
	out.Owner, out.KeepStat, out.Dev, out.Fail, out.NoModes = w.Owner, w.Stats, w.Dev, w.Fail, w.NoModes
	if w.Stage == "" {
		return out, nil
	}
	if err := out.Stage(w.Stage, strconv.Itoa(int(w.stages.Add(1)))); err != nil {
		out.Close()
		return nil, err
	}
	return out, nil
}

// note keeps what is known of a file that was just written.
func (w *TreeWriter) note(out *safedir.Dir, file int, err error) error {
	if err != nil {
		return err
	}
	w.Progress.Wrote()
	if w.Found != nil {
		w.Found[file] = statOf(out.Last)
	}
	return nil
}
