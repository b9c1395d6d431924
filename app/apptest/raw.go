package apptest

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"sync"
)

const (
	rawBodyMost = 256 << 10 // bytes of one body
	rawMost     = 64 << 20  // of all that is kept
)

// Raw is a request as it came.
type Raw struct {
	Target string // with its query
	Header http.Header
	Body   []byte
}

// raws keep requests until there are too many.
type raws struct {
	mu   sync.Mutex
	all  []*Raw
	size int
	full bool // something is missing
}

// keep has the raws have a request, with what will be read of its body.
func (k *raws) keep(r *http.Request) {
	one := &Raw{Target: r.Method + " " + r.RequestURI, Header: r.Header.Clone()}
	k.mu.Lock()
	defer k.mu.Unlock()
	for name, values := range one.Header {
		k.size += len(name)
		for _, value := range values {
			k.size += len(value)
		}
	}
	if k.size += len(one.Target); k.size > rawMost {
		k.full = true
		return
	}
	k.all = append(k.all, one)
	r.Body = &keptBody{r.Body, k, one}
}

// keptBody keeps what is read of it.
type keptBody struct {
	io.ReadCloser
	in *raws
	of *Raw
}

func (b *keptBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.in.mu.Lock()
	defer b.in.mu.Unlock()
	if b.in.size += n; b.in.size > rawMost || len(b.of.Body)+n > rawBodyMost {
		b.in.full = true
	} else {
		b.of.Body = append(b.of.Body, p[:n]...)
	}
	return n, err
}

// Raws are all requests so far, as they came. An error says that not all of them were kept.
func (g *GitHub) Raws() ([]Raw, error) {
	g.raws.mu.Lock()
	defer g.raws.mu.Unlock()
	all := make([]Raw, len(g.raws.all))
	for i, one := range g.raws.all {
		all[i] = Raw{one.Target, one.Header, bytes.Clone(one.Body)}
	}
	if g.raws.full {
		return all, fmt.Errorf("more requests than the %d MB that are kept", rawMost>>20)
	}
	return all, nil
}
