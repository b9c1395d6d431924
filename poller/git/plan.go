package git

import (
	"context"
	"fmt"
	"path"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
)

const (
	maxDepth   = 512     // directories
	maxEntries = 1 << 20 // files and directories; the largest public repositories have half of that
	maxSymlink = 1 << 15 // bytes; beyond any system's limit, and small enough to hold
)

// plan is what a checkout will hold. Directories come before what is in them.
type plan struct {
	tree  plumbing.Hash
	dirs  []planDir // the first is the checkout itself
	files []planFile
	known *record // whose trees need not be read; nil: none

	attributes []int32          // the files that are .gitattributes
	left       map[left][]int32 // the files that git would do more with
}

type planDir struct {
	parent  int32
	entries int32 // names in it
	name    string
	depth   int
	mode    mode          // modeDir or modeSubmodule
	id      plumbing.Hash // of its tree, or of the submodule's commit
	was     int32         // its number in the record, the first is 1; 0: not in it
}

type planFile struct {
	dir  int32
	mode mode // never modeDir or modeSubmodule
	name string
	id   plumbing.Hash

	convert convert // 0 until the attributes are known
}

// makePlan walks all trees below a tree. read gives a tree by its name.
func makePlan(ctx context.Context, tree plumbing.Hash, read func(plumbing.Hash) (object, error)) (*plan, error) {
	return makePlanFrom(ctx, nil, tree, read)
}

// makePlanFrom walks the trees that are not as in a record, which may be nil.
func makePlanFrom(ctx context.Context, known *record, tree plumbing.Hash, read func(plumbing.Hash) (object, error)) (*plan, error) {
	p := &plan{tree: tree, dirs: []planDir{{mode: modeDir, id: tree, was: 1}}, known: known}
	if known != nil {
		p.dirs, p.files = slices.Grow(p.dirs, len(known.plan.dirs)), make([]planFile, 0, len(known.plan.files)+64)
	}
	if err := p.fill(ctx, 0, tree, read); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *plan) fill(ctx context.Context, dir int32, id plumbing.Hash, read func(plumbing.Hash) (object, error)) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	depth := p.dirs[dir].depth
	if depth > maxDepth {
		return fmt.Errorf("directories nested deeper than %d", maxDepth)
	}
	if p.copyKnown(dir, id) {
		return p.checkSize(0)
	}
	entries, err := readTree(id, read)
	if err == nil {
		err = p.checkSize(len(entries))
	}
	if err != nil {
		return err
	}
	p.dirs[dir].entries = int32(len(entries))
	for _, e := range entries {
		if e.mode != modeDir && e.mode != modeSubmodule {
			if e.name == attributesName {
				p.attributes = append(p.attributes, int32(len(p.files)))
			}
			p.files = append(p.files, planFile{dir: dir, mode: e.mode, name: e.name, id: e.id})
			continue
		}
		p.dirs = append(p.dirs, planDir{parent: dir, name: e.name, depth: depth + 1, mode: e.mode, id: e.id, was: p.known.lookup(p.dirs[dir].was, e.name)})
		if e.mode == modeSubmodule {
			continue
		}
		if err := p.fill(ctx, int32(len(p.dirs)-1), e.id, read); err != nil {
			return err
		}
	}
	return nil
}

func (p *plan) checkSize(more int) error {
	if len(p.dirs)+len(p.files)+more > maxEntries {
		return fmt.Errorf("the revision has more than %d files and directories", maxEntries)
	}
	return nil
}

func readTree(id plumbing.Hash, read func(plumbing.Hash) (object, error)) ([]treeEntry, error) {
	return readTreeAs(id, read, parseTree)
}

// readPastTree reads a tree that is not checked out: git lived with odd ones.
func readPastTree(id plumbing.Hash, read func(plumbing.Hash) (object, error)) ([]treeEntry, error) {
	return readTreeAs(id, read, scanTree)
}

func readTreeAs(id plumbing.Hash, read func(plumbing.Hash) (object, error), parse func([]byte) ([]treeEntry, error)) ([]treeEntry, error) {
	o, err := read(id)
	if err != nil {
		return nil, fmt.Errorf("tree %w", err)
	}
	if o.kind != plumbing.TreeObject {
		return nil, damaged("%s is a %s, not a tree", id, o.kind)
	}
	entries, err := parse(o.data)
	if err != nil {
		return nil, fmt.Errorf("tree %s: %w", id, err)
	}
	return entries, nil
}

// dirPath is a directory's path below the checkout, with slashes.
func (p *plan) dirPath(dir int32) string {
	if dir == 0 {
		return "."
	}
	return path.Join(p.dirPath(p.dirs[dir].parent), p.dirs[dir].name)
}

func (p *plan) filePath(f planFile) string { return path.Join(p.dirPath(f.dir), f.name) }

func (f planFile) perm() uint32 {
	if f.mode == modeRun {
		return 0o755
	}
	return 0o644
}
