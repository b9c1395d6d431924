package pack

import (
	"github.com/bittrance/kitops/poller/git/object"
)

// objectCache keeps the objects that came last, up to a number of bytes, for
// the deltas that lean on them. What is in it is never changed.
type objectCache struct {
	objects map[Place]object.Object
	order   []Place // oldest first
	size    int
	limit   int
}

func newObjectCache(limit int) objectCache {
	return objectCache{objects: map[Place]object.Object{}, limit: limit}
}

func (c *objectCache) get(key Place) (object.Object, bool) {
	o, ok := c.objects[key]
	return o, ok
}

func (c *objectCache) put(key Place, o object.Object) {
	if c.refuses(int64(len(o.Data))) {
		return
	}
	if _, known := c.objects[key]; known {
		return
	}
	c.objects[key] = o
	c.order = append(c.order, key)
	for c.size += Weight(o); c.size > c.limit; c.order = c.order[1:] {
		c.size -= Weight(c.objects[c.order[0]])
		delete(c.objects, c.order[0])
	}
}

// refuses says whether an object is too large to be kept.
func (c *objectCache) refuses(size int64) bool { return size > int64(c.limit/2) }

// Weight is about what keeping an object costs.
func Weight(o object.Object) int { return len(o.Data) + 128 }
