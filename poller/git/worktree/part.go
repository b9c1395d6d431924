package worktree

import (
	"context"
	"slices"

	"github.com/bittrance/kitops/poller/git/index"
	"github.com/bittrance/kitops/poller/git/object"
)

// Part is what came into a plan from one repository: the one checked out, or a
// submodule without those that are in it.
type Part struct {
	Root        int32     // the directory that it is
	Tree        object.ID // of the root
	Dirs, Files Stretch   // without the root
}

// Stretch is from one number up to another.
type Stretch struct{ Begin, End int }

// Has says whether a number is in it.
func (s Stretch) Has(i int) bool { return i >= s.Begin && i < s.End }

// Whole is all of a plan, before anything is grafted.
func (p *Plan) Whole() Part {
	return Part{Tree: p.tree, Dirs: Stretch{1, len(p.Dirs)}, Files: Stretch{0, len(p.Files)}}
}

// Graft puts the tree of a submodule into the directory that is its place. With a
// link, the id of a blob, there is a file .git, too.
func (p *Plan) Graft(ctx context.Context, dir int32, tree, link object.ID, read func(object.ID) (object.Object, error)) (Part, error) {
	part := Part{Root: dir, Tree: tree, Dirs: Stretch{len(p.Dirs), 0}, Files: Stretch{len(p.Files), 0}}
	err := p.Fill(ctx, dir, tree, read)
	if err == nil && !link.IsZero() {
		err = p.addLink(part, link)
	}
	part.Dirs.End, part.Files.End = len(p.Dirs), len(p.Files)
	return part, err
}

// addLink adds a file .git to what was just filled, in the order of names.
func (p *Plan) addLink(part Part, id object.ID) error {
	at := part.Files.Begin
	for at < len(p.Files) && (p.Files[at].Dir != part.Root || p.Files[at].Name < index.GitFile) {
		at++
	}
	p.Files = slices.Insert(p.Files, at, PlanFile{Dir: part.Root, Mode: object.ModeFile, Name: index.GitFile, ID: id})
	p.Dirs[part.Root].entries++
	for i := range p.attributes {
		if int(p.attributes[i]) >= at {
			p.attributes[i]++
		}
	}
	return p.checkSize(0)
}

// IsLink says whether a file is the .git of a submodule, which no repository has.
func (f PlanFile) IsLink() bool { return f.Name == index.GitFile }
