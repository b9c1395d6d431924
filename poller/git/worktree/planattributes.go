package worktree

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"slices"

	"github.com/bittrance/kitops/poller/git/attributes"
	"github.com/bittrance/kitops/poller/git/object"
)

const (
	nativeCRLF  = runtime.GOOS == "windows"
	maxPathname = 1 << 17 // bytes; no system has longer ones, and what is longer is not matched
)

// AttributeRoots are those of the roots that files of attributes are in.
func (p *Plan) AttributeRoots(roots map[int32]bool) []int32 {
	var found []int32
	for _, f := range p.attributeFiles() {
		dir := f.Dir
		for !roots[dir] {
			dir = p.Dirs[dir].parent
		}
		if !slices.Contains(found, dir) {
			found = append(found, dir)
		}
	}
	return found
}

// attributeFiles are those of attributes, selected or not.
func (p *Plan) attributeFiles() []PlanFile {
	all := make([]PlanFile, 0, len(p.attributes))
	for _, file := range p.attributes {
		all = append(all, p.Files[file])
	}
	for _, f := range p.hidden {
		if f.Name == attributes.FileName {
			all = append(all, f)
		}
	}
	return all
}

// ApplyAttributes says of the files of one repository how they are written: of
// those below the directory root, which is the checkout or a submodule, but of
// none in a submodule below it. read gives the blobs.
func (p *Plan) ApplyAttributes(ctx context.Context, root int32, read func(object.ID) (object.Object, error)) error {
	return p.applyAttributesAs(ctx, root, read, nativeCRLF)
}

func (p *Plan) applyAttributesAs(ctx context.Context, root int32, read func(object.ID) (object.Object, error), native bool) error {
	if len(p.attributeFiles()) == 0 {
		return nil
	}
	a := &attributesPlan{Plan: p, root: root, read: read, Vocabulary: attributes.NewVocabulary()}
	if err := a.readAll(ctx, native); err != nil {
		return err
	}
	return a.convertAll(ctx)
}

// attributesPlan is one call of applyAttributes.
type attributesPlan struct {
	*Plan
	*attributes.Vocabulary
	root  int32
	read  func(object.ID) (object.Object, error)
	match *attributes.Matcher
	files []*attributes.File // by directory; nil: nothing to look for
	path  []byte             // of the file looked at, below the root
}

// readAll reads the files of attributes, from the top down.
func (a *attributesPlan) readAll(ctx context.Context, native bool) error {
	own := map[int32]PlanFile{}
	for _, f := range a.attributeFiles() {
		own[f.Dir] = f
	}
	a.files = make([]*attributes.File, len(a.Dirs))
	inside := make([]bool, len(a.Dirs))
	for dir := a.root; int(dir) < len(a.Dirs); dir++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		top := dir == a.root
		if d := a.Dirs[dir]; !top {
			if inside[dir] = inside[d.parent] && d.Mode != object.ModeSubmodule; !inside[dir] {
				continue
			}
			a.files[dir] = a.files[d.parent]
		}
		inside[dir] = true
		var rules []attributes.Rule
		file, has := own[dir]
		if has {
			var err error
			if rules, err = a.rulesOf(file, top); err != nil {
				return fmt.Errorf("%q: %w", a.FilePath(file), err)
			}
		}
		if top {
			a.match = attributes.NewMatcher(a.Vocabulary, native)
		}
		if len(rules) > 0 {
			a.files[dir] = a.match.NewFile(a.files[dir], len(a.enter(dir)), rules)
		}
	}
	return nil
}

func (a *attributesPlan) rulesOf(f PlanFile, top bool) ([]attributes.Rule, error) {
	o, err := a.read(f.ID)
	if errors.Is(err, object.ErrTooLarge) {
		return nil, nil // as git ignores it
	}
	if err == nil && o.Kind != object.KindBlob {
		err = object.Damaged("%s is a %s, not a blob", f.ID, o.Kind)
	}
	if err != nil {
		return nil, err
	}
	return a.Parse(string(o.Data), top)
}

func (a *attributesPlan) convertAll(ctx context.Context) error {
	in := int32(-1)
	base := 0
	for i := range a.Files {
		if i%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		f := &a.Files[i]
		rules := a.files[f.Dir]
		if rules == nil || !rules.Live || f.Mode == object.ModeSymlink || f.IsLink() {
			continue
		}
		if f.Dir != in {
			in, base = f.Dir, len(a.enter(f.Dir))
		}
		if base+len(f.Name) > maxPathname {
			continue
		}
		a.path = append(a.path[:base], f.Name...)
		a.match.File(rules, a.path, base)
		if a.match.Steps <= 0 {
			return attributes.ErrTooMany
		}
		f.Convert = a.match.Convert()
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
	d := a.Dirs[dir]
	if a.enter(d.parent); len(a.path)+len(d.name) < maxPathname {
		a.path = append(append(a.path, d.name...), '/')
	} else {
		a.path = append(a.path, make([]byte, maxPathname+1-len(a.path))...)
	}
	return a.path
}

// leave notes what git would do more with a file.
func (a *attributesPlan) leave(file int32) {
	filter, encoding := a.match.Leaves()
	for _, l := range []attributes.Left{{Kind: "filter", Value: filter}, {Kind: "encoding", Value: encoding}} {
		if l.Value == "" {
			continue
		}
		if a.Left == nil {
			a.Left = map[attributes.Left][]int32{}
		}
		a.Left[l] = append(a.Left[l], file)
	}
}
