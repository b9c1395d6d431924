package s3_test

import (
	"errors"
	"io/fs"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/bittrance/kitops/poller/store/bucket"
	"github.com/bittrance/kitops/poller/store/s3"
	"github.com/bittrance/kitops/poller/store/storetest/objects"
)

// TestConditionsByCode: the same code comes with one status or another, and none of them is the success of a put.
func TestConditionsByCode(t *testing.T) {
	objects.Conflicts(t, open, map[string]objects.Disturbance{
		"412":                      objects.Answer(412, "PreconditionFailed"),
		"412 without a code":       objects.Answer(412, ""),
		"200 with an error body":   objects.Answer(200, "PreconditionFailed"),
		"400 with the code of 412": objects.Answer(400, "PreconditionFailed"),
		"404 on If-Match":          objects.Answer(404, "NoSuchKey"),
	})
}

// TestRefusals are errors that say what to do, and are not taken for a conflict, an absence or a success.
func TestRefusals(t *testing.T) {
	objects.Refusals(t, open, 1, map[string]objects.Refusal{
		"501":             {Answer: objects.Answer(501, "NotImplemented"), Want: "does not know the conditions"},
		"400":             {Answer: objects.Answer(400, "NotImplemented"), Want: "does not know the conditions"},
		"bucket gone":     {Answer: objects.Answer(404, "NoSuchBucket"), Want: "s3://bucket is not there: make the bucket"},
		"denied":          {Answer: objects.Answer(403, "AccessDenied"), Want: "refuses s3:PutObject to the credentials of AWS_ACCESS_KEY_ID"},
		"other region":    {Answer: objects.Answer(301, "PermanentRedirect", "X-Amz-Bucket-Region", "eu-west-1"), Want: "s3://bucket is in eu-west-1: add ?region=eu-west-1"},
		"without a code":  {Answer: objects.Answer(301, "", "X-Amz-Bucket-Region", "eu-west-1"), Want: "s3://bucket is in eu-west-1: add ?region=eu-west-1"},
		"region unknown":  {Answer: objects.Answer(301, ""), Want: "name them by ?region="},
		"malformed":       {Answer: objects.Answer(400, "AuthorizationHeaderMalformed", "X-Amz-Bucket-Region", "eu-west-1"), Want: "add ?region=eu-west-1"},
		"too large":       {Answer: objects.Answer(400, "EntityTooLarge"), Want: "takes no object of that size"},
		"an unknown code": {Answer: objects.Answer(400, "TheMoonIsFull"), Want: "refuses (TheMoonIsFull 400"},
	})
}

// TestMissingWithoutListBucket: S3 denies what is not there to whoever may not list. That is no absence.
func TestMissingWithoutListBucket(t *testing.T) {
	s, server := open(t, &objects.Bucket{})
	server.Disturb(objects.Answer(403, "AccessDenied"))
	if _, err := s.Get(t.Context(), "a"); err == nil || errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "s3:ListBucket") {
		t.Errorf("get: %v", err)
	}
	if _, err := s.List(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "refuses s3:ListBucket") {
		t.Errorf("list: %v", err)
	}
}

// TestClocksThatDiffer: an answer about the time says that nothing was done, and how late it is.
func TestClocksThatDiffer(t *testing.T) {
	for _, skew := range []time.Duration{-time.Hour, time.Hour} {
		b := &objects.Bucket{Clock: func() time.Time { return time.Now().Add(skew) }}
		s, server := open(t, b)
		var requests atomic.Int32
		server.Disturb(func(w http.ResponseWriter, r *http.Request, serve http.HandlerFunc) {
			requests.Add(1)
			serve(w, r)
		})
		version, err := s.Put(t.Context(), "a", []byte("n: 1"), "")
		if err != nil {
			t.Fatalf("skew %s: %v", skew, err)
		}
		if _, err := s.Put(t.Context(), "a", []byte("n: 2"), version); err != nil {
			t.Fatalf("skew %s: %v", skew, err)
		}
		if n := requests.Load(); n != 3 {
			t.Errorf("skew %s: %d requests for two puts, want 3: the second knows the time", skew, n)
		}
	}
}

// TestRequestsAreTakenByAll: the stand-in refuses chunked bodies and puts without Content-MD5; here is what else servers refuse.
func TestRequestsAreTakenByAll(t *testing.T) {
	s, server := open(t, &objects.Bucket{})
	var seen atomic.Pointer[http.Request]
	server.FirstPuts(1, func(w http.ResponseWriter, r *http.Request, serve http.HandlerFunc) {
		seen.Store(r)
		serve(w, r)
	})
	if _, err := s.Put(t.Context(), "a b", []byte("n: 1"), ""); err != nil {
		t.Fatal(err)
	}
	r := seen.Load()
	if r.URL.Path != "/bucket/team/tasks/a=20b.yaml" {
		t.Errorf("path %s, want one with the bucket", r.URL.Path)
	}
	for name := range r.Header {
		if strings.Contains(strings.ToLower(name), "checksum") || name == "X-Amz-Trailer" || name == "Expect" {
			t.Errorf("header %s: %s", name, r.Header.Get(name))
		}
	}
	if sum := r.Header.Get("X-Amz-Content-Sha256"); len(sum) != 64 {
		t.Errorf("the body is signed as %q", sum)
	}
}

// TestRegions: the URL's wins, then the environment's; a server of somebody else's needs none, Amazon does.
func TestRegions(t *testing.T) {
	b := &objects.Bucket{}
	server := b.S3(t)
	keys := env{"AWS_ACCESS_KEY_ID": "AK", "AWS_SECRET_ACCESS_KEY": "SK"}
	regional := env{"AWS_ACCESS_KEY_ID": "AK", "AWS_SECRET_ACCESS_KEY": "SK", "AWS_REGION": "eu-north-1"}
	for want, s := range map[string]*bucket.Store{
		"/eu-west-1/s3/":  storeAt(t, "s3://bucket?region=eu-west-1&endpoint="+server.URL, regional),
		"/eu-north-1/s3/": storeAt(t, "s3://bucket?endpoint="+server.URL, regional),
		"/us-east-1/s3/":  storeAt(t, "s3://bucket?endpoint="+server.URL, keys),
	} {
		var signed atomic.Pointer[string]
		server.FirstGets(1, func(w http.ResponseWriter, r *http.Request, serve http.HandlerFunc) {
			by := r.Header.Get("Authorization")
			signed.Store(&by)
			serve(w, r)
		})
		if _, err := s.List(t.Context(), ""); err != nil || !strings.Contains(*signed.Load(), want) {
			t.Errorf("%v, signed by %s, want %s", err, *signed.Load(), want)
		}
	}
	if _, err := storeAt(t, "s3://bucket", keys).List(t.Context(), ""); err == nil || !strings.Contains(err.Error(), "the region of s3://bucket is not known: add ?region=") {
		t.Errorf("error %v", err)
	}
}

func TestParse(t *testing.T) {
	for text, want := range map[string]s3.Location{
		"s3://b":      {Bucket: "b"},
		"s3://b/a/c/": {Bucket: "b", Prefix: "a/c"},
		"s3://b/a?endpoint=http://127.0.0.1:7070&region=eu-north-1": {Bucket: "b", Prefix: "a", Endpoint: "http://127.0.0.1:7070", Region: "eu-north-1"},
	} {
		if got, err := s3.Parse(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for text, want := range map[string]string{
		"s3:///a":               "is not s3://BUCKET/PREFIX",
		"s3://key:secret@b/a":   "is not s3://BUCKET/PREFIX",
		"s3://b/a?regoin=x":     `not "regoin"`,
		"s3://b/a?endpoint=x:1": "the endpoint is not",
		"s3://b/a?endpoint=https://storage.googleapis.com": "google Cloud Storage is not supported",
	} {
		if _, err := s3.Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", text, err)
		}
	}
}
