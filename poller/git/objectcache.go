package git

// objectCache keeps the objects that came last, up to a number of bytes, for
// the deltas that lean on them. What is in it is never changed.
type objectCache struct {
	objects map[place]object
	order   []place // oldest first
	size    int
	limit   int
}

func newObjectCache(limit int) objectCache {
	return objectCache{objects: map[place]object{}, limit: limit}
}

func (c *objectCache) get(key place) (object, bool) {
	o, ok := c.objects[key]
	return o, ok
}

func (c *objectCache) put(key place, o object) {
	if len(o.data) > c.limit/2 {
		return
	}
	if _, known := c.objects[key]; known {
		return
	}
	c.objects[key] = o
	c.order = append(c.order, key)
	for c.size += weight(o); c.size > c.limit; c.order = c.order[1:] {
		c.size -= weight(c.objects[c.order[0]])
		delete(c.objects, c.order[0])
	}
}

// weight is about what keeping an object costs.
func weight(o object) int { return len(o.data) + 128 }
