package git

import (
	"bytes"
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
)

const (
	lfsHead    = "version https://git-lfs.github.com/spec/v1\n"
	maxLFS     = 1024 // bytes that a pointer may have, by its specification
	maxLFSLook = 1000 // files in which a pointer is looked for
	maxWarned  = 32   // kinds of what is left that one mirror warns of
)

// left is what git would do more with a file if it were configured to: run the
// "filter" of this name, or write it in this "encoding".
type left struct{ kind, value string }

// warned are the kinds of what is left that were warned of. It is safe for
// concurrent use.
type warned struct {
	mu    sync.Mutex
	kinds map[left]bool
}

// first says whether this is the first warning of its kind.
func (w *warned) first(l left) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.kinds[l] || len(w.kinds) >= maxWarned {
		return false
	}
	if w.kinds == nil {
		w.kinds = map[left]bool{}
	}
	l.value = strings.Clone(l.value) // or all of the file that it is from would stay
	w.kinds[l] = true
	return true
}

func (w *warned) has(l left) bool {
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
	kinds := slices.SortedFunc(maps.Keys(r.plan.left), func(a, b left) int {
		return cmp.Or(strings.Compare(a.kind, b.kind), strings.Compare(a.value, b.value))
	})
	for _, l := range kinds {
		files := r.plan.left[l]
		if c.warned.has(l) {
			continue
		}
		example := files[0]
		if l == (left{"filter", "lfs"}) {
			var found bool
			if example, found = findPointer(ctx, r, files); !found {
				continue
			}
		}
		if c.warned.first(l) {
			c.warn(ctx, l, len(files), r.plan.filePath(r.plan.files[example]))
		}
	}
}

func (c *checkout) warn(ctx context.Context, l left, files int, example string) {
	log := c.Log.With("url", c.URL.String(), "files", files, "example", example)
	switch {
	case l.kind == "encoding":
		log.WarnContext(ctx, "working-tree-encoding is not applied, files are left as they are in the repository", "encoding", l.value)
	case l.value == "lfs":
		log.WarnContext(ctx, "Git LFS pointers are left as they are")
	default:
		log.WarnContext(ctx, "filters are not run, files are left as they are in the repository", "filter", l.value)
	}
}

// findPointer looks for a file that is a pointer of Git LFS and not content that
// was committed in spite of the attribute.
func findPointer(ctx context.Context, r *revision, files []int32) (file int32, found bool) {
	reader := r.store.reader()
	for _, file := range files[:min(len(files), maxLFSLook)] {
		if ctx.Err() != nil {
			return 0, false
		}
		content, err := small(reader, r.plan.files[file], maxLFS)
		if err == nil && bytes.HasPrefix(content, []byte(lfsHead)) {
			return file, true
		}
	}
	return 0, false
}

// small gives the blob of a file, or errTooLarge where it is easily seen that it
// has more bytes than limit.
func small(r *storeReader, f planFile, limit int64) ([]byte, error) {
	at, ok := r.store.find(f.id)
	if !ok {
		return nil, missing(f.id)
	}
	if at.pack == nil {
		var content bytes.Buffer
		_, err := r.copyLoose(&content, f.id, limit)
		return content.Bytes(), err
	}
	h, err := r.window.head(at.pack, at.offset)
	if err == nil && !h.delta() && h.size > limit {
		err = errTooLarge
	}
	if err != nil {
		return nil, err
	}
	return r.blob(at, f.id)
}
