package git

import (
	"crypto/sha1"
	"errors"
	"fmt"
	"hash"
	"strconv"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/pjbgf/sha1cd"
)

// object is what a name stands for: a commit, a tree, a blob or a tag.
type object struct {
	kind plumbing.ObjectType
	data []byte
}

// objectHash computes the names of objects. It is for one goroutine.
type objectHash struct {
	hash.Hash
	head []byte
}

// newObjectHash is for what strangers made: it finds attempts to give two
// objects one name.
func newObjectHash() *objectHash { return &objectHash{Hash: sha1cd.New()} }

// newRepeatedHash is for what was checked that way before: it only finds damage.
func newRepeatedHash() *objectHash { return &objectHash{Hash: sha1.New()} }

func (h *objectHash) begin(kind plumbing.ObjectType, size int64) {
	h.Reset()
	h.head = append(append(h.head[:0], kind.Bytes()...), ' ')
	h.head = append(strconv.AppendInt(h.head, size, 10), 0)
	_, _ = h.Write(h.head)
}

func (h *objectHash) id() (id plumbing.Hash, err error) {
	if detecting, ok := h.Hash.(sha1cd.CollisionResistantHash); ok {
		if _, collides := detecting.CollisionResistantSum(id[:0]); collides {
			return id, errors.New("refused: an object was made to collide with another")
		}
		return id, nil
	}
	h.Sum(id[:0])
	return id, nil
}

func (h *objectHash) of(o object) (plumbing.Hash, error) {
	h.begin(o.kind, int64(len(o.data)))
	_, _ = h.Write(o.data)
	return h.id()
}

// damage is the error of an object store that does not hold what it should.
// A mirror with damage is thrown away.
type damage struct{ err error }

func (d *damage) Error() string { return d.err.Error() }
func (d *damage) Unwrap() error { return d.err }

func damaged(format string, args ...any) error { return &damage{fmt.Errorf(format, args...)} }

func missing(id plumbing.Hash) error {
	return damaged("%s is missing: %w", id, plumbing.ErrObjectNotFound)
}
