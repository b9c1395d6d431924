package git

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-git/go-billy/v5/osfs"
	"github.com/go-git/go-git/v5/plumbing"
	"github.com/go-git/go-git/v5/plumbing/cache"
	"github.com/go-git/go-git/v5/plumbing/object"
	"github.com/go-git/go-git/v5/storage/filesystem"
)

const (
	cacheSize     = 32 * cache.MiByte // of delta bases, for each store
	streamedAbove = 1 << 20           // bytes; larger blobs are not held in memory
	maxAlternates = 32
)

// objects reads a repository's objects, those it borrows from alternates
// included, and checks each against its name. It is for one goroutine.
type objects struct {
	stores    []*filesystem.Storage
	temporary string // removed by close
}

// openObjects opens the object store of a git directory.
func openObjects(gitDir string) (*objects, error) {
	o := &objects{}
	pending := []string{filepath.Join(gitDir, "objects")}
	seen := map[string]bool{}
	for len(pending) > 0 {
		dir := filepath.Clean(pending[0])
		pending = pending[1:]
		if seen[dir] {
			continue
		}
		seen[dir] = true
		if len(seen) > maxAlternates || filepath.Base(dir) != "objects" {
			o.close()
			return nil, fmt.Errorf("cannot follow the alternates of %s to %s", gitDir, dir)
		}
		o.stores = append(o.stores, filesystem.NewStorageWithOptions(osfs.New(filepath.Dir(dir)),
			cache.NewObjectLRU(cacheSize), filesystem.Options{KeepDescriptors: true, LargeObjectThreshold: streamedAbove}))
		borrowed, err := alternates(dir)
		if err != nil {
			o.close()
			return nil, err
		}
		pending = append(pending, borrowed...)
	}
	return o, nil
}

// alternates reads objects/info/alternates, gitrepository-layout(5).
func alternates(dir string) ([]string, error) {
	f, err := os.Open(filepath.Join(dir, "info", "alternates"))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	var found []string
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" || line[0] == '#' {
			continue
		}
		if !filepath.IsAbs(line) {
			line = filepath.Join(dir, line)
		}
		found = append(found, line)
	}
	return found, lines.Err()
}

func (o *objects) close() {
	for _, store := range o.stores {
		_ = store.Close() // only read from
	}
	if o.temporary != "" {
		_ = os.RemoveAll(o.temporary) // what stays is swept with the directory of the mirror
	}
}

// treeOf finds the tree of a commit, or of the commit that a tag leads to.
func (o *objects) treeOf(id plumbing.Hash) (plumbing.Hash, error) {
	for range 10 {
		obj, err := o.find(id)
		if err != nil {
			return plumbing.ZeroHash, err
		}
		if obj, err = o.load(obj, id); err != nil {
			return plumbing.ZeroHash, err
		}
		switch obj.Type() {
		case plumbing.TagObject:
			var tag object.Tag
			if err := tag.Decode(obj); err != nil {
				return plumbing.ZeroHash, fmt.Errorf("tag %s: %w", id, err)
			}
			id = tag.Target
		case plumbing.CommitObject:
			var commit object.Commit
			if err := commit.Decode(obj); err != nil {
				return plumbing.ZeroHash, fmt.Errorf("commit %s: %w", id, err)
			}
			return commit.TreeHash, nil
		default:
			return plumbing.ZeroHash, fmt.Errorf("%s is a %s, not a commit", id, obj.Type())
		}
	}
	return plumbing.ZeroHash, fmt.Errorf("tags of tags without an end at %s", id)
}

func (o *objects) tree(id plumbing.Hash) (*object.Tree, error) {
	obj, err := o.find(id)
	if err != nil {
		return nil, fmt.Errorf("tree %w", err)
	}
	if obj, err = o.load(obj, id); err != nil {
		return nil, err
	}
	var tree object.Tree
	if err := tree.Decode(obj); err != nil {
		return nil, fmt.Errorf("tree %s: %w", id, err)
	}
	return &tree, nil
}

// load reads all of a small object and gives it back checked.
func (o *objects) load(obj plumbing.EncodedObject, id plumbing.Hash) (plumbing.EncodedObject, error) {
	loaded := &plumbing.MemoryObject{}
	loaded.SetType(obj.Type())
	return loaded, copyObject(loaded, obj, id)
}

// blob copies a blob to w and says how many bytes it has.
func (o *objects) blob(ctx context.Context, id plumbing.Hash, w io.Writer) (int64, error) {
	obj, err := o.find(id)
	if err != nil {
		return 0, fmt.Errorf("blob %w", err)
	}
	if obj.Type() != plumbing.BlobObject {
		return 0, fmt.Errorf("%s is a %s, not a blob", id, obj.Type())
	}
	return obj.Size(), copyObject(&ctxWriter{ctx, w}, obj, id)
}

// copyObject fails when the content is not what the name promises.
func copyObject(w io.Writer, obj plumbing.EncodedObject, id plumbing.Hash) error {
	r, err := obj.Reader()
	if err != nil {
		return fmt.Errorf("%s %s: %w", obj.Type(), id, err)
	}
	defer func() { _ = r.Close() }()
	sum := plumbing.NewHasher(obj.Type(), obj.Size())
	if _, err := io.Copy(io.MultiWriter(sum, w), r); err != nil {
		return fmt.Errorf("%s %s: %w", obj.Type(), id, err)
	}
	if sum.Sum() != id {
		return fmt.Errorf("%s %s is damaged", obj.Type(), id)
	}
	return nil
}

func (o *objects) find(id plumbing.Hash) (plumbing.EncodedObject, error) {
	for _, store := range o.stores {
		// Asking first keeps go-git from searching the alternates its own way.
		if err := store.HasEncodedObject(id); errors.Is(err, plumbing.ErrObjectNotFound) {
			continue
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", id, err)
		}
		obj, err := store.EncodedObject(plumbing.AnyObject, id)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", id, err)
		}
		return obj, nil
	}
	return nil, fmt.Errorf("%s is missing: %w", id, plumbing.ErrObjectNotFound)
}

// ctxWriter ends a long copy with the context.
type ctxWriter struct {
	ctx context.Context
	w   io.Writer
}

func (c *ctxWriter) Write(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.w.Write(p)
}
