package gittest

import (
	"bytes"
	"compress/zlib"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
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
	packed, err := deflated(plain)
	if err != nil {
		return "", err
	}
	return id, o.store(id, packed)
}

// deflaters are kept: to make one costs more than to pack a small object, most of
// all with the race detector, with which a sync.Pool forgets each fourth.
var deflaters = make(chan *zlib.Writer, 8) //nolint:gochecknoglobals // see above

func deflated(plain []byte) ([]byte, error) {
	var packed bytes.Buffer
	var z *zlib.Writer
	select {
	case z = <-deflaters:
		z.Reset(&packed)
	default:
		var err error
		if z, err = zlib.NewWriterLevel(&packed, zlib.BestSpeed); err != nil {
			return nil, err
		}
	}
	defer func() {
		select {
		case deflaters <- z:
		default:
		}
	}()
	if _, err := z.Write(plain); err != nil {
		return nil, err
	}
	err := z.Close()
	return packed.Bytes(), err
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

// leads returns the objects that a loose one names.
func (o objects) leads(id string) ([]string, error) {
	packed, err := os.ReadFile(o.path(id))
	if err != nil {
		return nil, errUnusual // in a pack
	}
	z, err := zlib.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	plain, err := io.ReadAll(z)
	if err != nil {
		return nil, err
	}
	head, content, _ := bytes.Cut(plain, []byte{0})
	var found []string
	switch kind, _, _ := strings.Cut(string(head), " "); kind {
	case "tree":
		for len(content) > 0 {
			named, rest, _ := bytes.Cut(content, []byte{0})
			size := len(id) / 2
			if !bytes.HasPrefix(named, []byte("160000 ")) {
				found = append(found, hex.EncodeToString(rest[:size]))
			}
			content = rest[size:]
		}
	case "commit", "tag":
		for line := range strings.Lines(string(content)) {
			key, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
			if !slices.Contains([]string{"tree", "parent", "object", "type"}, key) {
				break
			}
			if key != "type" {
				found = append(found, value)
			}
		}
	}
	return found, nil
}

// has tells whether an object is there, loose or in a pack.
func (o objects) has(id string) (bool, error) {
	if o.loose(id) {
		return true, nil
	}
	packs, err := o.packs()
	if err != nil {
		return false, err
	}
	return hasPacked(packs, id)
}

// packs are the indexes of all packs.
func (o objects) packs() ([][]byte, error) {
	files, err := os.ReadDir(filepath.Join(o.dir, "pack"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var packs [][]byte
	for _, file := range files {
		if filepath.Ext(file.Name()) != ".idx" {
			continue
		}
		index, err := os.ReadFile(filepath.Join(o.dir, "pack", file.Name()))
		if err != nil {
			return nil, err
		}
		packs = append(packs, index)
	}
	return packs, nil
}

func hasPacked(packs [][]byte, id string) (bool, error) {
	for _, index := range packs {
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
