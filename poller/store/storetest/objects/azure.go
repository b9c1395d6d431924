package objects

import (
	"encoding/xml"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/bittrance/kitops/poller/store/bucket"
)

// Azure serves the bucket as container "container" of account "account", by the REST API of Blob storage with the account in the
// path. Signatures are not checked.
func (b *Bucket) Azure(t *testing.T) *Server {
	t.Helper()
	b.Numbered = true
	return newServer(t, b.serveAzure)
}

func (b *Bucket) serveAzure(w http.ResponseWriter, r *http.Request) {
	name, ok := strings.CutPrefix(r.URL.Path, "/account/container")
	name = strings.TrimPrefix(name, "/")
	w.Header().Set("Date", b.now().Format(http.TimeFormat))
	w.Header().Set("X-Ms-Version", r.Header.Get("X-Ms-Version"))
	switch {
	case r.Header.Get("Authorization") == "" && r.URL.Query().Get("sig") == "":
		fail(w, r, http.StatusUnauthorized, "NoAuthenticationInformation")
	case !ok:
		fail(w, r, http.StatusNotFound, "ContainerNotFound")
	case r.Method == http.MethodGet && r.URL.Query().Get("comp") == "list":
		b.listAzure(w, r)
	case r.Method == http.MethodGet:
		object, err := b.Get(r.Context(), name)
		b.answer(w, r, object, err)
	case r.Method == http.MethodPut && r.Header.Get("X-Ms-Blob-Type") == "BlockBlob":
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		b.put(w, r, name, body)
	case r.Method == http.MethodDelete:
		_ = b.Remove(r.Context(), name)
		w.WriteHeader(http.StatusAccepted)
	default:
		fail(w, r, http.StatusBadRequest, "UnsupportedHeader")
	}
}

type listedAzure struct {
	XMLName    xml.Name    `xml:"EnumerationResults"`
	Blobs      []blobAzure `xml:"Blobs>Blob"`
	NextMarker string
}

type blobAzure struct {
	Name         string
	LastModified string `xml:"Properties>Last-Modified"`
	ETag         string `xml:"Properties>Etag"`
	Length       int64  `xml:"Properties>Content-Length"`
}

func (b *Bucket) listAzure(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	page, err := b.List(r.Context(), q.Get("prefix"), q.Get("marker"))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	list := listedAzure{NextMarker: page.Next}
	for _, object := range page.Objects {
		list.Blobs = append(list.Blobs, blobOf(object))
	}
	writeXML(w, list)
}

func blobOf(object bucket.Object) blobAzure {
	return blobAzure{object.Name, object.Modified.Format(http.TimeFormat), object.ETag, object.Size}
}
