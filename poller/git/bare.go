package git

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/go-git/go-git/v5/plumbing"
)

const (
	bareConfig = "[core]\n\trepositoryformatversion = 0\n\tfilemode = true\n\tbare = true\n[gc]\n\tauto = 0\n"
	bareHead   = "ref: refs/heads/main\n"
	maxHeld    = 64 // revisions; the ones used last stay
	tmpPrefix  = "tmp_"
	packedRefs = "packed-refs"
	shallow    = "shallow"
)

// bare is a bare repository that belongs to a mirror: git can read it, and
// finds it without fault. Every commit in it is complete, with its parents or
// in the list of those without, because no pack gets in before that was checked.
// Nothing in it is trusted for being there: objects are hashed when read.
type bare struct {
	dir     string
	depth   int // commits on every way down from a ref; FullHistory: all
	store   *store
	held    []held // the one used last comes first
	shallow []plumbing.Hash
	saved   string // the file of that name, as it is
}

// held is a ref of a bare repository and the commit that it leads to.
type held struct {
	ref        string
	id, commit plumbing.Hash
}

// openBare opens the repository, or makes one. It removes what an interrupted
// call left. The caller has the directory for itself.
func openBare(ctx context.Context, dir string, depth int) (*bare, error) {
	b := &bare{dir: dir, depth: depth}
	if err := b.prepare(); err != nil {
		return nil, err
	}
	var err error
	if b.store, err = openStore(dir); err != nil {
		return nil, err
	}
	if err := b.readRefs(ctx); err != nil {
		b.close()
		return nil, err
	}
	return b, nil
}

func (b *bare) close() { b.store.close() }

func (b *bare) prepare() error {
	for _, dir := range []string{"objects/pack", "refs"} {
		if err := os.MkdirAll(filepath.Join(b.dir, dir), 0o700); err != nil {
			return err
		}
	}
	for name, want := range map[string]string{"config": bareConfig, "HEAD": bareHead} {
		content, err := os.ReadFile(filepath.Join(b.dir, name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			err = b.save(name, []byte(want))
		case err == nil && string(content) != want:
			err = damaged("%s is not as kitops left it", filepath.Join(b.dir, name))
		}
		if err != nil {
			return err
		}
	}
	if _, err := os.Lstat(filepath.Join(b.dir, "objects", "info", "alternates")); err == nil {
		return damaged("%s has alternates, which are not of kitops", b.dir)
	}
	return errors.Join(b.sweep(), b.finishRewrite())
}

// sweep removes unfinished files, and packs that have no index yet.
func (b *bare) sweep() error {
	for _, dir := range []string{b.dir, b.packDir()} {
		entries, err := os.ReadDir(dir)
		if err != nil {
			return err
		}
		for _, entry := range entries {
			base, isPack := strings.CutSuffix(entry.Name(), ".pack")
			unfinished := strings.HasPrefix(entry.Name(), tmpPrefix)
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

func (b *bare) packDir() string { return filepath.Join(b.dir, "objects", "pack") }

// save replaces a file as a whole.
func (b *bare) save(name string, content []byte) error {
	path := filepath.Join(b.dir, name)
	tmp := filepath.Join(filepath.Dir(path), tmpPrefix+filepath.Base(path))
	if err := os.WriteFile(tmp, content, 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}

func (b *bare) readRefs(ctx context.Context) error {
	refs, err := os.ReadFile(filepath.Join(b.dir, packedRefs))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	reader := b.store.reader()
	for line := range strings.Lines(string(refs)) {
		hex, ref, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		id, ok := parseID(hex)
		if !ok || !strings.HasPrefix(ref, "refs/") {
			return damaged("%s holds %q", filepath.Join(b.dir, packedRefs), line)
		}
		commit, _, err := commitOf(ctx, id, reader.read)
		if err != nil {
			return err
		}
		b.held = append(b.held, held{ref, id, commit})
	}
	cut, err := os.ReadFile(filepath.Join(b.dir, shallow))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	b.saved = string(cut)
	for line := range strings.Lines(b.saved) {
		id, ok := parseID(line)
		if !ok {
			return damaged("%s holds %q", filepath.Join(b.dir, shallow), line)
		}
		b.shallow = append(b.shallow, id)
	}
	return b.checkRefs(ctx)
}

// checkRefs finds out whether a crash took one of several files.
func (b *bare) checkRefs(ctx context.Context) error {
	if len(b.held) == 0 && len(b.store.packs) > 0 {
		return damaged("%s has objects and no refs", b.dir)
	}
	for _, h := range b.held {
		if b.depth == 1 && !slices.Contains(b.shallow, h.commit) {
			return damaged("%s does not know that %s is without its parents", b.dir, h.commit)
		}
	}
	if b.depth > 1 && len(b.shallow) == 0 { // nothing is cut, or that was lost
		a := &ancestry{read: b.store.reader().read, depth: FullHistory}
		return a.walk(ctx, b.commits()...)
	}
	return nil
}

// commits are the revisions held.
func (b *bare) commits() []plumbing.Hash {
	var ids []plumbing.Hash
	for _, h := range b.held {
		if !slices.Contains(ids, h.commit) {
			ids = append(ids, h.commit)
		}
	}
	return ids
}

// hold makes a revision that is complete a ref.
func (b *bare) hold(rev held) error {
	rev.ref = refName(rev.ref, rev.id)
	b.held = slices.DeleteFunc(b.held, func(h held) bool {
		return h.ref == rev.ref || strings.HasPrefix(h.ref, rev.ref+"/") || strings.HasPrefix(rev.ref, h.ref+"/")
	})
	b.held = append([]held{rev}, b.held[:min(len(b.held), maxHeld-1)]...)
	return b.saveRefs()
}

func (b *bare) saveRefs() error {
	var refs strings.Builder
	for _, h := range b.held {
		fmt.Fprintln(&refs, h.id, h.ref)
	}
	return errors.Join(b.saveShallow(b.shallow), b.save(packedRefs, []byte(refs.String())))
}

func (b *bare) saveShallow(ids []plumbing.Hash) error {
	set := map[plumbing.Hash]bool{}
	for _, id := range ids {
		set[id] = true
	}
	var cut strings.Builder
	for _, id := range sorted(set) {
		fmt.Fprintln(&cut, id)
	}
	if cut.String() == b.saved {
		return nil
	}
	b.saved = cut.String()
	return b.save(shallow, []byte(b.saved))
}

// refName is what a ref is called here: as there, unless that is HEAD or no
// name that git would give.
func refName(ref string, id plumbing.Hash) string {
	if validRef(ref) {
		return ref
	}
	return "refs/kitops/" + id.String()
}

// validRef says whether git would give a ref this name.
func validRef(ref string) bool {
	return plumbing.ReferenceName(ref).Validate() == nil && strings.HasPrefix(ref, "refs/")
}

// adopt gives a pack and its index their names, in git's order: the index last.
// Checkouts link to the pack, so it is never written to again.
func (b *bare) adopt(pack string, index []byte, sum plumbing.Hash) error {
	name := b.packName(sum)
	if err := errors.Join(os.Chmod(pack, 0o444), os.Rename(pack, name+".pack")); err != nil {
		return err
	}
	relative := filepath.Join("objects", "pack", filepath.Base(name)+".idx")
	if err := b.save(relative, index); err != nil {
		return err
	}
	p, err := openPack(name)
	if err != nil {
		return err
	}
	b.store.insert(p)
	return nil
}

// packName is the path of a pack without what tells it from its index.
func (b *bare) packName(sum plumbing.Hash) string {
	return filepath.Join(b.packDir(), "pack-"+sum.String())
}
