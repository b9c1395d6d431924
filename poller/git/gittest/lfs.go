package gittest

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

// LFS is a Git LFS server of the batch API in front of another handler. A test may change its answers.
type LFS struct {
	Next     http.Handler                                          // for all else
	Header   map[string]string                                     // that objects are asked for with
	Href     func(r *http.Request, oid string) string              // nil: below /lfs-objects/ of this server
	OnBatch  func(w http.ResponseWriter, r *http.Request) bool     // true: it has answered
	OnObject func(w http.ResponseWriter, r *http.Request) bool     // the same of an object
	OnAnswer func(answer map[string]any, objects []map[string]any) // changes one

	mu       sync.Mutex
	contents map[string]string
	batches  []string // of each question, its Authorization
	objects  []string // of each object asked for, its name, Authorization and Range
}

// LFSPointer is the file that stands for a content.
func LFSPointer(content string) string {
	sum := sha256.Sum256([]byte(content))
	return fmt.Sprintf("version https://git-lfs.github.com/spec/v1\noid sha256:%s\nsize %d\n", hex.EncodeToString(sum[:]), len(content))
}

// Add gives the server a content, and returns its pointer.
func (l *LFS) Add(content string) (pointer string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.contents == nil {
		l.contents = map[string]string{}
	}
	sum := sha256.Sum256([]byte(content))
	l.contents[hex.EncodeToString(sum[:])] = content
	return LFSPointer(content)
}

// Asked tells how often questions and objects were asked for, and forgets it.
func (l *LFS) Asked() (batches, objects []string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	batches, objects = l.batches, l.objects
	l.batches, l.objects = nil, nil
	return batches, objects
}

// ServeHTTP implements http.Handler.
func (l *LFS) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case strings.HasSuffix(r.URL.Path, "/objects/batch"):
		l.batch(w, r)
	case strings.HasPrefix(r.URL.Path, "/lfs-objects/"):
		l.object(w, r)
	case l.Next != nil:
		l.Next.ServeHTTP(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (l *LFS) batch(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	l.batches = append(l.batches, r.Header.Get("Authorization"))
	l.mu.Unlock()
	if l.OnBatch != nil && l.OnBatch(w, r) {
		return
	}
	var q struct {
		Operation string
		Objects   []struct {
			OID  string
			Size int64
		}
	}
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil || q.Operation != "download" || r.Header.Get("Accept") != "application/vnd.git-lfs+json" {
		http.Error(w, "odd question", http.StatusUnprocessableEntity)
		return
	}
	var objects []map[string]any
	for _, o := range q.Objects {
		l.mu.Lock()
		content, ok := l.contents[o.OID]
		l.mu.Unlock()
		told := map[string]any{"oid": o.OID, "size": o.Size}
		if !ok {
			told["error"] = map[string]any{"code": 404, "message": "Object does not exist"}
		} else {
			href := "http://" + r.Host + "/lfs-objects/" + o.OID
			if l.Href != nil {
				href = l.Href(r, o.OID)
			}
			told["size"] = len(content)
			told["actions"] = map[string]any{"download": map[string]any{"href": href, "header": l.Header}}
		}
		objects = append(objects, told)
	}
	answer := map[string]any{"transfer": "basic", "objects": objects}
	if l.OnAnswer != nil {
		l.OnAnswer(answer, objects)
	}
	w.Header().Set("Content-Type", "application/vnd.git-lfs+json")
	_ = json.NewEncoder(w).Encode(answer)
}

func (l *LFS) object(w http.ResponseWriter, r *http.Request) {
	oid := path.Base(r.URL.Path)
	l.mu.Lock()
	l.objects = append(l.objects, strings.TrimSpace(oid[:min(len(oid), 7)]+" "+r.Header.Get("Authorization")+" "+r.Header.Get("Range")))
	content, ok := l.contents[oid]
	l.mu.Unlock()
	if l.OnObject != nil && l.OnObject(w, r) {
		return
	}
	if !ok {
		http.NotFound(w, r)
		return
	}
	http.ServeContent(w, r, "", time.Time{}, strings.NewReader(content))
}
