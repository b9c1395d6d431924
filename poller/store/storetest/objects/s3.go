package objects

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/bittrance/kitops/poller/store/bucket"
)

// S3 serves the bucket under the name "bucket", by the REST API of S3 with paths. It is as strict as the strictest server: no
// chunked bodies, and no put without Content-MD5. Signatures are not checked, their time is.
func (b *Bucket) S3(t TB) *Server {
	t.Helper()
	return newServer(t, b.serveS3)
}

const maxSkew = 15 * time.Minute

func (b *Bucket) serveS3(w http.ResponseWriter, r *http.Request) {
	name, ok := strings.CutPrefix(r.URL.Path, "/bucket")
	name = strings.TrimPrefix(name, "/")
	w.Header().Set("Date", b.now().Format(http.TimeFormat))
	at, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	switch {
	case err != nil || !strings.HasPrefix(r.Header.Get("Authorization"), "AWS4-HMAC-SHA256 "):
		fail(w, r, http.StatusForbidden, "AccessDenied")
	case b.now().Sub(at).Abs() > maxSkew:
		fail(w, r, http.StatusForbidden, "RequestTimeTooSkewed")
	case !ok:
		fail(w, r, http.StatusNotFound, "NoSuchBucket")
	case r.Method == http.MethodGet && name == "":
		b.listS3(w, r)
	case r.Method == http.MethodGet:
		object, err := b.Get(r.Context(), name)
		b.answer(w, r, object, err)
	case r.Method == http.MethodPut:
		b.putS3(w, r, name)
	case r.Method == http.MethodDelete:
		_ = b.Remove(r.Context(), name)
		w.WriteHeader(http.StatusNoContent)
	default:
		fail(w, r, http.StatusMethodNotAllowed, "MethodNotAllowed")
	}
}

func (b *Bucket) putS3(w http.ResponseWriter, r *http.Request, name string) {
	body, err := io.ReadAll(r.Body)
	sum := md5.Sum(body)
	switch {
	case err != nil:
		panic(http.ErrAbortHandler)
	case strings.Contains(r.Header.Get("Content-Encoding"), "aws-chunked") || r.Header.Get("X-Amz-Trailer") != "":
		fail(w, r, http.StatusNotImplemented, "NotImplemented")
	case r.Header.Get("Content-Md5") != base64.StdEncoding.EncodeToString(sum[:]):
		fail(w, r, http.StatusBadRequest, "InvalidRequest")
	default:
		b.put(w, r, name, body)
	}
}

// put is the same for both protocols.
func (b *Bucket) put(w http.ResponseWriter, r *http.Request, name string, body []byte) {
	cond := bucket.Condition{Absent: r.Header.Get("If-None-Match") == "*", ETag: strings.Trim(r.Header.Get("If-Match"), `"`)}
	object, err := b.Put(context.WithoutCancel(r.Context()), name, body, cond)
	object.Body = nil
	b.answer(w, r, object, err)
}

// answer says of an object what both protocols say.
func (b *Bucket) answer(w http.ResponseWriter, r *http.Request, object bucket.Object, err error) {
	azure := r.Header.Get("X-Ms-Version") != ""
	if err != nil {
		var problem *bucket.Error
		errors.As(err, &problem)
		switch {
		case problem.Fault == bucket.Missing && azure:
			fail(w, r, http.StatusNotFound, "BlobNotFound")
		case problem.Fault == bucket.Missing:
			fail(w, r, http.StatusNotFound, "NoSuchKey")
		case problem.Fault == bucket.Changed && azure && r.Header.Get("If-None-Match") == "*":
			fail(w, r, http.StatusConflict, "BlobAlreadyExists")
		case problem.Fault == bucket.Changed && azure:
			fail(w, r, http.StatusPreconditionFailed, "ConditionNotMet")
		case problem.Fault == bucket.Changed:
			fail(w, r, http.StatusPreconditionFailed, "PreconditionFailed")
		default:
			panic(http.ErrAbortHandler)
		}
		return
	}
	w.Header().Set("ETag", `"`+object.ETag+`"`)
	w.Header().Set("Last-Modified", object.Modified.Format(http.TimeFormat))
	if r.Method == http.MethodPut && azure {
		w.WriteHeader(http.StatusCreated)
		return
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(object.Body)))
	_, _ = w.Write(object.Body)
}

type listedS3 struct {
	XMLName               xml.Name `xml:"ListBucketResult"`
	IsTruncated           bool
	NextContinuationToken string `xml:",omitempty"`
	EncodingType          string `xml:",omitempty"`
	Contents              []contentS3
}

type contentS3 struct {
	Key, ETag, LastModified string
	Size                    int64
}

func (b *Bucket) listS3(w http.ResponseWriter, r *http.Request) {
	q := r.URL.Query()
	if q.Get("list-type") != "2" {
		fail(w, r, http.StatusNotImplemented, "NotImplemented")
		return
	}
	page, err := b.List(r.Context(), q.Get("prefix"), q.Get("continuation-token"))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	list := listedS3{IsTruncated: page.Next != "", NextContinuationToken: page.Next}
	for _, object := range page.Objects {
		list.Contents = append(list.Contents, contentS3{object.Name, `"` + object.ETag + `"`, object.Modified.Format("2006-01-02T15:04:05.000Z"), object.Size})
	}
	writeXML(w, list)
}

func writeXML(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/xml")
	_, _ = io.WriteString(w, xml.Header)
	_ = xml.NewEncoder(w).Encode(v)
}

// keep is a request that outlives its connection.
func keep(r *http.Request) *http.Request {
	body, _ := io.ReadAll(r.Body)
	kept := r.Clone(context.WithoutCancel(r.Context()))
	kept.Body = io.NopCloser(bytes.NewReader(body))
	return kept
}
