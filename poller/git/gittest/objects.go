package gittest

import (
	"bytes"
	"compress/zlib"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"
)

// objects is the object directory of a repository: loose objects, which are
// written, and packs, which are only asked what they hold.
// Formats: gitformat-loose, gitformat-pack.
type objects struct {
	dir  string // …/objects
	hash func() hash.Hash
}

func newObjects(gitDir, format string) objects {
	o := objects{filepath.Join(gitDir, "objects"), sha1.New}
	if format == "sha256" {
		o.hash = sha256.New
	}
	return o
}

func (o objects) path(id string) string { return filepath.Join(o.dir, id[:2], id[2:]) }

// write stores an object unless it is there, and returns its name.
func (o objects) write(kind string, content []byte) (string, error) {
	plain := fmt.Appendf(nil, "%s %d\x00%s", kind, len(content), content)
	sum := o.hash()
	sum.Write(plain)
	id := hex.EncodeToString(sum.Sum(nil))
	if has, err := o.has(id); has || err != nil {
		return id, err
	}
	var packed bytes.Buffer
	z, err := zlib.NewWriterLevel(&packed, zlib.BestSpeed)
	if err != nil {
		return "", err
	}
	if _, err = z.Write(plain); err == nil {
		err = z.Close()
	}
	if err != nil {
		return "", err
	}
	return id, o.store(id, packed.Bytes())
}

// copyTo stores loose objects in another repository.
func (o objects) copyTo(other objects, ids []string) error {
	for _, id := range ids {
		packed, err := os.ReadFile(o.path(id))
		if err == nil {
			err = other.store(id, packed)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// store writes the file of a loose object, whole or not at all, since servers
// may look at the same time.
func (o objects) store(id string, packed []byte) error {
	if err := os.MkdirAll(filepath.Dir(o.path(id)), 0o755); err != nil {
		return err
	}
	return replace(o.path(id), packed, 0o444)
}

// loose tells whether an object has a file of its own.
func (o objects) loose(id string) bool {
	_, err := os.Lstat(o.path(id))
	return err == nil
}

// has tells whether an object is there, loose or in a pack.
func (o objects) has(id string) (bool, error) {
	if o.loose(id) {
		return true, nil
	}
	indexes, err := filepath.Glob(filepath.Join(o.dir, "pack", "*.idx"))
	if err != nil {
		return false, err
	}
	for _, path := range indexes {
		index, err := os.ReadFile(path)
		if err != nil {
			return false, err
		}
		if found, err := inPack(index, id); found || err != nil {
			return found, err
		}
	}
	return false, nil
}

// inPack looks an object up in the index of a pack, version 2: 8 bytes, 256
// counts, then the sorted names.
func inPack(index []byte, id string) (bool, error) {
	const names = 8 + 256*4
	name, err := hex.DecodeString(id)
	if err != nil {
		return false, err
	}
	if len(index) < names || !bytes.HasPrefix(index, []byte("\xfftOc\x00\x00\x00\x02")) {
		return false, errUnusual
	}
	at := func(i int) []byte { return index[names+i*len(name):][:len(name)] }
	count := int(binary.BigEndian.Uint32(index[names-4:]))
	i := sort.Search(count, func(i int) bool { return bytes.Compare(at(i), name) >= 0 })
	return i < count && bytes.Equal(at(i), name), nil
}

// replace writes a file beside path, then in its place.
func replace(path string, content []byte, mode os.FileMode) error {
	if err := os.WriteFile(path+".lock", content, mode); err != nil {
		return err
	}
	return os.Rename(path+".lock", path)
}

// Modes of entries that are no files.
const directory, submodule = 0o40000, 0o160000

// entry is a file of a tree.
type entry struct {
	mode uint32
	id   string
}

// writeTree stores the trees of files and returns the name of the uppermost,
// then those of all below it.
func (o objects) writeTree(files map[string]entry) ([]string, error) {
	here, below := map[string]entry{}, map[string]map[string]entry{}
	for path, e := range files {
		dir, rest, nested := strings.Cut(path, "/")
		if !nested {
			here[dir] = e
			continue
		}
		if below[dir] == nil {
			below[dir] = map[string]entry{}
		}
		below[dir][rest] = e
	}
	var ids []string
	for dir, files := range below {
		sub, err := o.writeTree(files)
		if err != nil {
			return nil, err
		}
		here[dir], ids = entry{directory, sub[0]}, append(ids, sub...)
	}
	var tree []byte
	for _, name := range treeOrder(here) {
		id, err := hex.DecodeString(here[name].id)
		if err != nil {
			return nil, err
		}
		tree = append(fmt.Appendf(tree, "%o %s\x00", here[name].mode, name), id...)
	}
	id, err := o.write("tree", tree)
	return append([]string{id}, ids...), err
}

// treeOrder sorts the names of a tree as git does: a directory as if its name
// ended with a slash.
func treeOrder(tree map[string]entry) []string {
	key := func(name string) string {
		if tree[name].mode == directory {
			return name + "/"
		}
		return name
	}
	names := make([]string, 0, len(tree))
	for name := range tree {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(key(a), key(b)) })
	return names
}
