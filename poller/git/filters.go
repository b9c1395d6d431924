package git

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/bittrance/kitops/poller/git/attributes"
	"github.com/bittrance/kitops/poller/git/lfs"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/odb"
	"github.com/bittrance/kitops/poller/git/worktree"
)

const (
	maxLFSLook = 1000 // files in which a pointer is looked for
	maxWarned  = 32   // kinds of what is left that one mirror warns of
)

// warned are the kinds of what is left that were warned of. It is safe for
// concurrent use.
type warned struct {
	mu    sync.Mutex
	kinds map[attributes.Left]bool
}

// first says whether this is the first warning of its kind.
func (w *warned) first(l attributes.Left) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.kinds[l] || len(w.kinds) >= maxWarned {
		return false
	}
	if w.kinds == nil {
		w.kinds = map[attributes.Left]bool{}
	}
	l.Value = strings.Clone(l.Value) // or all of the file that it is from would stay
	w.kinds[l] = true
	return true
}

func (w *warned) has(l attributes.Left) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.kinds[l] || len(w.kinds) >= maxWarned
}

// warnOfLeft says, once for a mirror, what is not done with files of a revision
// that their attributes ask for.
func (c *checkout) warnOfLeft(ctx context.Context, r *revision) {
	if c.Log == nil {
		return
	}
	kinds := slices.SortedFunc(maps.Keys(r.plan.Left), func(a, b attributes.Left) int {
		return cmp.Or(strings.Compare(a.Kind, b.Kind), strings.Compare(a.Value, b.Value))
	})
	for _, l := range kinds {
		files := r.plan.Left[l]
		if c.warned.has(l) {
			continue
		}
		example := files[0]
		if l == lfsLeft {
			var found bool
			if example, found = findPointer(ctx, r, files); !found {
				continue
			}
		}
		if c.warned.first(l) {
			c.warn(ctx, l, len(files), r.plan.FilePath(r.plan.Files[example]))
		}
	}
}

func (c *checkout) warn(ctx context.Context, l attributes.Left, files int, example string) {
	log := c.Log.With("url", c.URL.String(), "files", files, "example", example)
	switch {
	case l.Kind == "encoding":
		log.WarnContext(ctx, "working-tree-encoding is not applied, files are left as they are in the repository", "encoding", l.Value)
	case l.Value == "lfs" && c.LFS:
		log.WarnContext(ctx, "Git LFS pointers that name extensions are left as they are: only the programs that these are can read what they stand for")
	case l.Value == "lfs":
		log.WarnContext(ctx, "Git LFS pointers are left as they are: git.lfs: true in the task file fetches what they stand for")
	default:
		log.WarnContext(ctx, "filters are not run, files are left as they are in the repository", "filter", l.Value)
	}
}

// findPointer looks for a file that is a pointer of Git LFS and not content that
// was committed in spite of the attribute.
func findPointer(ctx context.Context, r *revision, files []int32) (file int32, found bool) {
	reader := r.store.Reader()
	for _, file := range files[:min(len(files), maxLFSLook)] {
		if ctx.Err() != nil {
			return 0, false
		}
		content, err := small(reader, r.plan.Files[file], lfs.MaxPointer)
		if _, is := lfs.Parse(content); err == nil && is {
			return file, true
		}
	}
	return 0, false
}

// small gives the blob of a file, or errTooLarge where it is easily seen that it
// has more bytes than limit.
func small(r *odb.Reader, f worktree.PlanFile, limit int64) ([]byte, error) {
	at, ok := r.Store.Find(f.ID)
	if !ok {
		return nil, object.Missing(f.ID)
	}
	if at.Pack == nil {
		var content bytes.Buffer
		_, err := r.CopyLoose(&content, f.ID, limit)
		return content.Bytes(), err
	}
	h, err := r.Window.Head(at.Pack, at.Offset)
	if err == nil && !h.Delta() && h.Size > limit {
		err = object.ErrTooLarge
	}
	if err != nil {
		return nil, err
	}
	return r.Blob(at, f.ID)
}
