package git

import (
	"path/filepath"
	"strconv"
)

// fileOptions say how the files of a checkout are written.
type fileOptions struct {
	limit int64  // bytes of all files
	owner *Owner // whom files and directories belong to; nil: the agent's user
	stats bool   // keep what the file system says of each file
	room  *room  // on the disk; nil: no end
}

// fileOptions are those of this checkout.
func (c *checkout) fileOptions() fileOptions {
	return fileOptions{limit: c.maxSize(), owner: c.Owner, stats: c.Reuse || c.DotGit, room: c.room(filepath.Dir(c.dir))}
}

// open gives a goroutine what it writes with.
func (w *treeWriter) open() (*outDir, error) { return w.openFor(w.plan) }

// openFor is open for what is there of another plan.
func (w *treeWriter) openFor(p *plan) (*outDir, error) {
	out, err := openOutDir(w.dir, p)
	if err != nil {
		return nil, err
	}
	out.owner, out.stats, out.dev = w.owner, w.stats, w.dev
	if w.stage == "" {
		return out, nil
	}
	if err := out.replacing(w.stage, strconv.Itoa(int(w.stages.Add(1)))); err != nil {
		out.close()
		return nil, err
	}
	return out, nil
}

// note keeps what is known of a file that was just written.
func (w *treeWriter) note(out *outDir, file int, err error) error {
	if err == nil && w.found != nil {
		w.found[file] = out.last
	}
	return err
}
