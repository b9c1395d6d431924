// Package objects is a bucket to test against.
//
// A [Bucket] is in memory and can be used as bucket.Objects itself, also under testing/synctest. [Bucket.S3] and [Bucket.Azure]
// serve it by the two protocols, as far as kitops speaks them, and can be made to do wrong what servers were seen to do wrong.
package objects

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/bittrance/kitops/poller/store/bucket"
)

// Bucket holds objects. The zero Bucket is empty and does right. It may be used concurrently; its fields are set before.
type Bucket struct {
	Clock     func() time.Time // the server's; time.Now if nil
	Careless  bool             // conditions are ignored
	Together  int              // so many puts check their conditions before the first of them writes; one at a time if zero
	PageSize  int              // of listings; 1000 if zero
	Numbered  bool             // ETags are numbers, as Azure's; else hashes of the content, as S3's
	DropWrite int              // every so many puts one is answered and not done

	mu      sync.Mutex
	objects map[string]bucket.Object
	puts    int
	waiting int           // puts that have checked
	met     chan struct{} // closed when Together of them have
	asked   map[string]int
}

// Asked counts the requests of a kind: Get, Put, List, Remove.
func (b *Bucket) Asked(kind string) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.asked[kind]
}

// Names lists what is there.
func (b *Bucket) Names() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Sorted(maps.Keys(b.objects))
}

// String implements bucket.Objects.
func (b *Bucket) String() string { return "mem://bucket" }

// Get implements bucket.Objects.
func (b *Bucket) Get(ctx context.Context, name string) (bucket.Object, error) {
	if err := b.ask(ctx, "Get"); err != nil {
		return bucket.Object{}, err
	}
	defer b.mu.Unlock()
	object, ok := b.objects[name]
	object.Now = b.now()
	if !ok {
		return object, &bucket.Error{Fault: bucket.Missing, Problem: "no such object", Now: object.Now}
	}
	object.Body = slices.Clone(object.Body)
	return object, nil
}

// Put implements bucket.Objects.
func (b *Bucket) Put(ctx context.Context, name string, body []byte, cond bucket.Condition) (bucket.Object, error) {
	if err := b.ask(ctx, "Put"); err != nil {
		return bucket.Object{}, err
	}
	defer b.mu.Unlock()
	old, there := b.objects[name]
	if !b.Careless {
		switch {
		case cond.Absent && there, cond.ETag != "" && there && old.ETag != cond.ETag:
			return bucket.Object{}, &bucket.Error{Fault: bucket.Changed, Problem: "the condition does not hold"}
		case cond.ETag != "" && !there:
			return bucket.Object{}, &bucket.Error{Fault: bucket.Missing, Problem: "no such object"}
		}
	}
	b.meet(ctx)
	b.puts++
	sum := md5.Sum(body)
	etag := hex.EncodeToString(sum[:])
	if b.Numbered {
		etag = "0x8D" + strconv.Itoa(b.puts)
	}
	object := bucket.Object{Name: name, ETag: etag, Body: slices.Clone(body), Size: int64(len(body)), Modified: b.now(), Now: b.now()}
	if b.DropWrite > 0 && b.puts%b.DropWrite == 0 {
		return object, nil
	}
	if b.objects == nil {
		b.objects = map[string]bucket.Object{}
	}
	b.objects[name] = object
	return object, nil
}

// meet waits, without the lock, until Together puts have come this far, or no longer than ctx.
func (b *Bucket) meet(ctx context.Context) {
	if b.Together == 0 {
		return
	}
	if b.waiting == 0 {
		b.met = make(chan struct{})
	}
	met := b.met
	if b.waiting++; b.waiting == b.Together {
		close(met)
		b.waiting = 0
	}
	b.mu.Unlock()
	defer b.mu.Lock()
	select {
	case <-met:
	case <-ctx.Done():
	}
}

// List implements bucket.Objects.
func (b *Bucket) List(ctx context.Context, prefix, after string) (bucket.Page, error) {
	if err := b.ask(ctx, "List"); err != nil {
		return bucket.Page{}, err
	}
	defer b.mu.Unlock()
	page := bucket.Page{Now: b.now()}
	most := b.PageSize
	if most == 0 {
		most = 1000
	}
	for _, name := range slices.Sorted(maps.Keys(b.objects)) {
		if !strings.HasPrefix(name, prefix) || name <= after && after != "" {
			continue
		}
		if len(page.Objects) == most {
			page.Next = page.Objects[most-1].Name
			break
		}
		object := b.objects[name]
		object.Body = nil
		page.Objects = append(page.Objects, object)
	}
	return page, nil
}

// Remove implements bucket.Objects.
func (b *Bucket) Remove(ctx context.Context, name string) error {
	if err := b.ask(ctx, "Remove"); err != nil {
		return err
	}
	defer b.mu.Unlock()
	delete(b.objects, name)
	return nil
}

// ask counts a request, and locks the bucket.
func (b *Bucket) ask(ctx context.Context, kind string) error {
	if err := ctx.Err(); err != nil {
		return &bucket.Error{Err: err}
	}
	b.mu.Lock()
	if b.asked == nil {
		b.asked = map[string]int{}
	}
	b.asked[kind]++
	return nil
}

func (b *Bucket) now() time.Time {
	if b.Clock == nil {
		return time.Now().UTC().Truncate(time.Second)
	}
	return b.Clock().UTC().Truncate(time.Second)
}
