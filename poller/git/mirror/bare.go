package mirror

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/bittrance/kitops/poller/files"
	"github.com/bittrance/kitops/poller/git/ancestry"
	"github.com/bittrance/kitops/poller/git/object"
	"github.com/bittrance/kitops/poller/git/odb"
	"github.com/bittrance/kitops/poller/git/pack"
	"github.com/bittrance/kitops/poller/git/refs"
)

// bareConfig says of what format the objects are, which is never changed.
func bareConfig(f object.Format) string {
	return "[core]\n\trepositoryformatversion = " + f.ConfigVersion() + "\n\tfilemode = true\n\tbare = true\n[gc]\n\tauto = 0\n" + f.ConfigExtension()
}

const bareHead = "ref: refs/heads/main\n"

const (
	maxHeld  = 64         // revisions; the ones used last stay
	filtered = "filtered" // a file that is there when blobs may be missing
)

// Bare is a bare repository that belongs to a mirror: git can read it, and
// finds it without fault. Every commit in it is complete, with its parents or
// in the list of those without, because no pack gets in before that was checked.
// Nothing in it is trusted for being there: objects are hashed when read.
type Bare struct {
	dir     string
	Depth   int // commits on every way down from a ref; FullHistory: all
	Store   *odb.Store
	format  object.Format
	Held    []Held // the one used last comes first
	Shallow []object.ID
	saved   string // the file of that name, as it is

	Partial  bool // blobs need not be there: who opens it says so, always the same of one directory
	Filtered bool // some may be missing, since a server was asked to leave them out

	Fail pack.Fail // for tests
}

// Held is a ref of a bare repository and the commit that it leads to.
type Held struct {
	Ref        string
	ID, Commit object.ID
}

// Open opens the repository, or makes one. It removes what an interrupted
// call left. The caller has the directory for itself.
func Open(ctx context.Context, dir string, depth int, f object.Format) (*Bare, error) {
	b := &Bare{dir: dir, Depth: depth, format: f}
	if err := b.prepare(); err != nil {
		return nil, err
	}
	var err error
	if b.Store, err = odb.Open(dir, f); err != nil {
		return nil, err
	}
	b.Store.Spools.Dir = b.packDir()
	if _, err := os.Lstat(filepath.Join(dir, filtered)); err == nil {
		b.Filtered = true
	}
	if err := b.readRefs(ctx); err != nil {
		b.Close()
		return nil, err
	}
	return b, nil
}

// Close closes the packs.
func (b *Bare) Close() { b.Store.Close() }

func (b *Bare) prepare() error {
	if err := b.own(); err != nil {
		return err
	}
	for name, want := range map[string]string{"config": bareConfig(b.format), "HEAD": bareHead} {
		content, err := os.ReadFile(filepath.Join(b.dir, name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			err = b.save(name, []byte(want))
		case err == nil && string(content) != want:
			err = object.Damaged("%s is not as kitops left it", filepath.Join(b.dir, name))
		}
		if err != nil {
			return err
		}
	}
	if _, err := os.Lstat(filepath.Join(b.dir, "objects", "info", "alternates")); err == nil {
		return object.Damaged("%s has alternates, which are not of kitops", b.dir)
	}
	return errors.Join(b.sweep(), b.finishRewrite())
}

// own makes the directories, and sees that those that are there are kitops' own.
func (b *Bare) own() error {
	dir, err := files.MakeDir(b.dir, 0o700)
	if err != nil {
		return err
	}
	defer dir.Close()
	refs, err := dir.Sub("refs", 0o700)
	if err != nil {
		return err
	}
	defer refs.Close()
	objects, err := dir.Sub("objects", 0o700)
	if err != nil {
		return err
	}
	defer objects.Close()
	packs, err := objects.Sub("pack", 0o700)
	if err != nil {
		return err
	}
	return packs.Close()
}

// sweep removes unfinished files, and packs that have no index yet.
func (b *Bare) sweep() error {
	for _, dir := range []string{b.dir, b.packDir()} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, entry := range entries {
			base, isPack := strings.CutSuffix(entry.Name(), ".pack")
			unfinished := strings.HasPrefix(entry.Name(), object.TmpPrefix)
			if isPack {
				_, err := os.Lstat(filepath.Join(dir, base+".idx"))
				unfinished = errors.Is(err, fs.ErrNotExist)
			}
			if unfinished {
				if err := os.Remove(filepath.Join(dir, entry.Name())); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func (b *Bare) packDir() string { return filepath.Join(b.dir, "objects", "pack") }

// save replaces a file as a whole.
func (b *Bare) save(name string, content []byte) error {
	path := filepath.Join(b.dir, name)
	tmp := filepath.Join(filepath.Dir(path), object.TmpPrefix+filepath.Base(path))
	err := b.Fail.At("write", tmp)
	if err == nil {
		err = os.WriteFile(tmp, content, 0o600)
	}
	if err == nil {
		err = os.Rename(tmp, path)
	}
	if err != nil {
		_ = os.Remove(tmp) // it may be what filled the disk
	}
	return err
}

func (b *Bare) readRefs(ctx context.Context) error {
	packed, err := os.ReadFile(filepath.Join(b.dir, object.PackedRefs))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	reader := b.Store.Reader()
	for line := range strings.Lines(string(packed)) {
		hex, ref, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		id, ok := b.format.ParseID(hex)
		if !ok || !strings.HasPrefix(ref, "refs/") {
			return object.Damaged("%s holds %q", filepath.Join(b.dir, object.PackedRefs), line)
		}
		commit, _, err := object.CommitOf(ctx, id, reader.Read)
		if err != nil {
			return err
		}
		b.Held = append(b.Held, Held{ref, id, commit})
	}
	cut, err := os.ReadFile(filepath.Join(b.dir, object.Shallow))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	b.saved = string(cut)
	for line := range strings.Lines(b.saved) {
		id, ok := b.format.ParseID(line)
		if !ok {
			return object.Damaged("%s holds %q", filepath.Join(b.dir, object.Shallow), line)
		}
		b.Shallow = append(b.Shallow, id)
	}
	return b.checkRefs(ctx)
}

// checkRefs finds out whether a crash took one of several files.
func (b *Bare) checkRefs(ctx context.Context) error {
	if len(b.Held) == 0 && len(b.Store.Packs) > 0 {
		return object.Damaged("%s has objects and no refs", b.dir)
	}
	for _, h := range b.Held {
		if b.Depth == 1 && !slices.Contains(b.Shallow, h.Commit) {
			return object.Damaged("%s does not know that %s is without its parents", b.dir, h.Commit)
		}
	}
	if b.Depth > 1 && len(b.Shallow) == 0 { // nothing is cut, or that was lost
		a := &ancestry.Ancestry{Read: b.Store.Reader().Read, Depth: ancestry.FullHistory}
		return a.Walk(ctx, b.Commits()...)
	}
	return nil
}

// Commits are the revisions held.
func (b *Bare) Commits() []object.ID {
	var ids []object.ID
	for _, h := range b.Held {
		if !slices.Contains(ids, h.Commit) {
			ids = append(ids, h.Commit)
		}
	}
	return ids
}

// hold makes a revision that is complete a ref.
func (b *Bare) hold(rev Held) error {
	rev.Ref = refName(rev.Ref, rev.ID)
	b.Held = slices.DeleteFunc(b.Held, func(h Held) bool {
		return h.Ref == rev.Ref || strings.HasPrefix(h.Ref, rev.Ref+"/") || strings.HasPrefix(rev.Ref, h.Ref+"/")
	})
	b.Held = append([]Held{rev}, b.Held[:min(len(b.Held), maxHeld-1)]...)
	return b.saveRefs()
}

func (b *Bare) saveRefs() error {
	var list strings.Builder
	for _, h := range b.Held {
		fmt.Fprintln(&list, h.ID, h.Ref)
	}
	return errors.Join(b.saveShallow(b.Shallow), b.save(object.PackedRefs, []byte(list.String())))
}

func (b *Bare) saveShallow(ids []object.ID) error {
	set := map[object.ID]bool{}
	for _, id := range ids {
		set[id] = true
	}
	var cut strings.Builder
	for _, id := range Sorted(set) {
		fmt.Fprintln(&cut, id)
	}
	if cut.String() == b.saved {
		return nil
	}
	b.saved = cut.String()
	return b.save(object.Shallow, []byte(b.saved))
}

// refName is what a ref is called here: as there, unless that is HEAD or no
// name that git would give.
func refName(ref string, id object.ID) string {
	if refs.Valid(ref) {
		return ref
	}
	return "refs/kitops/" + id.String()
}
