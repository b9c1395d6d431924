package object

import (
	"crypto/sha1"
	"errors"
	"fmt"
	"hash"
	"strconv"

	"github.com/go-git/go-git/v5/plumbing"
	"github.com/pjbgf/sha1cd"
)

// Object is what a name stands for: a commit, a tree, a blob or a tag.
type Object struct {
	Kind plumbing.ObjectType
	Data []byte
}

// Hasher computes the names of objects. It is for one goroutine.
type Hasher struct {
	hash.Hash
	head []byte
}

// NewHasher is for what strangers made: it finds attempts to give two
// objects one name.
func NewHasher() *Hasher { return &Hasher{Hash: sha1cd.New()} }

// NewRepeatedHasher is for what was checked that way before: it only finds damage.
func NewRepeatedHasher() *Hasher { return &Hasher{Hash: sha1.New()} }

// Begin starts an object, whose content is to be written.
func (h *Hasher) Begin(kind plumbing.ObjectType, size int64) {
	h.Reset()
	h.head = append(append(h.head[:0], kind.Bytes()...), ' ')
	h.head = append(strconv.AppendInt(h.head, size, 10), 0)
	_, _ = h.Write(h.head)
}

// ID is the name of what was begun, when all of its content was written.
func (h *Hasher) ID() (id plumbing.Hash, err error) {
	if detecting, ok := h.Hash.(sha1cd.CollisionResistantHash); ok {
		if _, collides := detecting.CollisionResistantSum(id[:0]); collides {
			return id, errors.New("refused: an object was made to collide with another")
		}
		return id, nil
	}
	h.Sum(id[:0])
	return id, nil
}

// Of is the name of an object.
func (h *Hasher) Of(o Object) (plumbing.Hash, error) {
	h.Begin(o.Kind, int64(len(o.Data)))
	_, _ = h.Write(o.Data)
	return h.ID()
}

// Damage is the error of an object store that does not hold what it should.
// A mirror with damage is thrown away.
type Damage struct{ err error }

func (d *Damage) Error() string { return d.err.Error() }

func (d *Damage) Unwrap() error { return d.err }

// Damaged says that what the disk or a server holds is not sound.
func Damaged(format string, args ...any) error { return &Damage{fmt.Errorf(format, args...)} }

// Missing says that an object is not there.
func Missing(id plumbing.Hash) error {
	return Damaged("%s is missing: %w", id, plumbing.ErrObjectNotFound)
}
