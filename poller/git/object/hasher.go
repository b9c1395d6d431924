package object

import (
	"errors"
	"fmt"
	"hash"
	"strconv"

	"github.com/pjbgf/sha1cd"
)

// Object is what a name stands for: a commit, a tree, a blob or a tag.
type Object struct {
	Kind Kind
	Data []byte
}

// Hasher computes the names of objects. It is for one goroutine.
type Hasher struct {
	hash.Hash
	format Format
	head   []byte
	sum    [maxSize]byte
}

// NewHasher is for what strangers made: it finds attempts to give two
// objects one name, which SHA-256 alone rules out.
func NewHasher(f Format) *Hasher {
	if f == SHA1 {
		return &Hasher{Hash: sha1cd.New(), format: f}
	}
	return NewRepeatedHasher(f)
}

// NewRepeatedHasher is for what was checked that way before: it only finds damage.
func NewRepeatedHasher(f Format) *Hasher { return &Hasher{Hash: f.New(), format: f} }

// Begin starts an object, whose content is to be written.
func (h *Hasher) Begin(kind Kind, size int64) {
	h.Reset()
	h.head = append(append(h.head[:0], kind.String()...), ' ')
	h.head = append(strconv.AppendInt(h.head, size, 10), 0)
	_, _ = h.Write(h.head)
}

// ID is the name of what was begun, when all of its content was written.
func (h *Hasher) ID() (id ID, err error) {
	if detecting, ok := h.Hash.(sha1cd.CollisionResistantHash); ok {
		if _, collides := detecting.CollisionResistantSum(h.sum[:0]); collides {
			return id, errors.New("refused: an object was made to collide with another")
		}
	} else {
		h.Sum(h.sum[:0])
	}
	return h.format.ID(h.sum[:]), nil
}

// Of is the name of an object.
func (h *Hasher) Of(o Object) (ID, error) {
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
func Missing(id ID) error {
	return Damaged("%s is missing: %w", id, ErrMissing)
}
