package git

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"github.com/go-git/go-git/v5/plumbing"
)

const (
	nativeCRLF  = runtime.GOOS == "windows"
	maxPathname = 1 << 17 // bytes; no system has longer ones, and what is longer is not matched
)

// applyAttributes does so for the revision and for each of its submodules.
func (c *checkout) applyAttributes(ctx context.Context, r *revision) error {
	roots := map[int32]bool{0: true}
	for _, s := range c.subs {
		roots[s.dir] = true
	}
	read := r.store.reader().read
	for _, root := range r.plan.attributeRoots(roots) {
		if err := r.plan.applyAttributes(ctx, root, read); err != nil {
			return err
		}
	}
	return nil
}

// attributeRoots are those of the roots that files of attributes are in.
func (p *plan) attributeRoots(roots map[int32]bool) []int32 {
	var found []int32
	for _, file := range p.attributes {
		dir := p.files[file].dir
		for !roots[dir] {
			dir = p.dirs[dir].parent
		}
		if !slices.Contains(found, dir) {
			found = append(found, dir)
		}
	}
	return found
}

// applyAttributes says of the files of one repository how they are written: of
// those below the directory root, which is the checkout or a submodule, but of
// none in a submodule below it. read gives the blobs.
func (p *plan) applyAttributes(ctx context.Context, root int32, read func(plumbing.Hash) (object, error)) error {
	return p.applyAttributesAs(ctx, root, read, nativeCRLF)
}

func (p *plan) applyAttributesAs(ctx context.Context, root int32, read func(plumbing.Hash) (object, error), native bool) error {
	if len(p.attributes) == 0 {
		return nil
	}
	a := &attributesPlan{plan: p, root: root, read: read, vocabulary: newVocabulary()}
	if err := a.readAll(ctx, native); err != nil {
		return err
	}
	return a.convertAll(ctx)
}

// attributesPlan is one call of applyAttributes.
type attributesPlan struct {
	*plan
	*vocabulary
	root  int32
	read  func(plumbing.Hash) (object, error)
	match *attributesMatch
	files []*attributesFile // by directory; nil: nothing to look for
	path  []byte            // of the file looked at, below the root
}

// readAll reads the files of attributes, from the top down.
func (a *attributesPlan) readAll(ctx context.Context, native bool) error {
	own := make(map[int32]int32, len(a.attributes))
	for _, file := range a.attributes {
		own[a.plan.files[file].dir] = file
	}
	a.files = make([]*attributesFile, len(a.dirs))
	inside := make([]bool, len(a.dirs))
	for dir := a.root; int(dir) < len(a.dirs); dir++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		top := dir == a.root
		if d := a.dirs[dir]; !top {
			if inside[dir] = inside[d.parent] && d.mode != modeSubmodule; !inside[dir] {
				continue
			}
			a.files[dir] = a.files[d.parent]
		}
		inside[dir] = true
		var rules []rule
		file, has := own[dir]
		if has {
			var err error
			if rules, err = a.rulesOf(a.plan.files[file], top); err != nil {
				return fmt.Errorf("%q: %w", a.filePath(a.plan.files[file]), err)
			}
		}
		if top {
			a.match = newAttributesMatch(a.vocabulary, native)
		}
		if len(rules) > 0 {
			a.files[dir] = a.match.newFile(a.files[dir], len(a.enter(dir)), rules)
		}
	}
	return nil
}

func (a *attributesPlan) rulesOf(f planFile, top bool) ([]rule, error) {
	o, err := a.read(f.id)
	if errors.Is(err, errTooLarge) {
		return nil, nil // as git ignores it
	}
	if err == nil && o.kind != plumbing.BlobObject {
		err = damaged("%s is a %s, not a blob", f.id, o.kind)
	}
	if err != nil {
		return nil, err
	}
	return a.parse(string(o.data), top)
}

func (a *attributesPlan) convertAll(ctx context.Context) error {
	in := int32(-1)
	base := 0
	for i := range a.plan.files {
		if i%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		f := &a.plan.files[i]
		rules := a.files[f.dir]
		if rules == nil || !rules.live || f.mode == modeSymlink {
			continue
		}
		if f.dir != in {
			in, base = f.dir, len(a.enter(f.dir))
		}
		if base+len(f.name) > maxPathname {
			continue
		}
		a.path = append(a.path[:base], f.name...)
		a.match.file(rules, a.path, base)
		if a.match.steps <= 0 {
			return errAttributes
		}
		f.convert = a.match.convert()
		a.leave(int32(i))
	}
	return nil
}

// enter makes the path of a directory below the root, with a slash behind it.
func (a *attributesPlan) enter(dir int32) []byte {
	if dir == a.root {
		a.path = a.path[:0]
		return a.path
	}
	d := a.dirs[dir]
	if a.enter(d.parent); len(a.path)+len(d.name) < maxPathname {
		a.path = append(append(a.path, d.name...), '/')
	} else {
		a.path = append(a.path, make([]byte, maxPathname+1-len(a.path))...)
	}
	return a.path
}

// leave notes what git would do more with a file.
func (a *attributesPlan) leave(file int32) {
	filter, encoding := a.match.leaves()
	for _, l := range []left{{"filter", filter}, {"encoding", encoding}} {
		if l.value == "" {
			continue
		}
		if a.left == nil {
			a.left = map[left][]int32{}
		}
		a.left[l] = append(a.left[l], file)
	}
}
